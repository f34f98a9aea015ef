use bytes::Bytes;
use http::Request;
use tokio::net::TcpStream;

use super::http::{Http2, get, post, read, until_held};
use super::world::{World, answer, query};

#[tokio::test]
async fn many_requests_at_once_are_all_answered() {
    let world = World::start();
    let client = Http2::over_tls(&world).await;
    let mut responses = Vec::new();
    for id in 0..90 {
        let message = query(id, "big 900");
        responses.push(client.send(if id % 2 == 0 { get(&message) } else { post(&message) }).await);
    }
    for (id, response) in responses.into_iter().enumerate() {
        let body = read(response).await.unwrap().body;
        assert_eq!((body.len(), usize::from(body[1])), (900, id));
    }
}

#[tokio::test]
async fn answers_come_as_they_are_ready_and_not_as_they_were_asked() {
    let world = World::start();
    let client = Http2::over_tls(&world).await;
    let first = client.send(get(&query(1, "hold"))).await;
    let second = client.send(post(&query(2, "hold"))).await;
    assert_eq!(client.ask(get(&query(3, ""))).await.body, answer(3, ""));
    world.service.release(2);
    assert_eq!(read(second).await.unwrap().body, answer(2, "hold"));
    world.service.release(1);
    let reply = read(first).await.unwrap();
    assert_eq!(reply.body, answer(1, "hold"));
    assert_eq!(reply.header("cache-control"), "max-age=7");
}

#[tokio::test]
async fn a_sidecar_on_this_machine_may_speak_http2_without_tls() {
    let world = World::start();
    let tcp = TcpStream::connect(world.address("doh_cleartext")).await.unwrap();
    let client = Http2::over(tcp, |_| ()).await;
    assert_eq!(client.ask(post(&query(1, ""))).await.body, answer(1, ""));
}

#[tokio::test]
async fn a_body_may_come_in_pieces() {
    let world = World::start();
    let client = Http2::over_tls(&world).await;
    let mut stream = begin_post(&client).await;
    for octet in query(1, "piece by piece") {
        stream.1.send_data(Bytes::from(vec![octet]), false).unwrap();
        tokio::task::yield_now().await;
    }
    stream.1.send_data(Bytes::new(), true).unwrap();
    assert_eq!(read(stream.0).await.unwrap().body, answer(1, "piece by piece"));
}

#[tokio::test]
async fn a_body_longer_than_a_message_is_too_large() {
    let world = World::start();
    let client = Http2::over_tls(&world).await;
    let (response, mut stream) = begin_post(&client).await;
    for _ in 0..5 {
        stream.send_data(Bytes::from(vec![0; 16_000]), false).unwrap();
    }
    assert_eq!(read(response).await.unwrap().status, 413);
    assert_eq!(client.ask(get(&query(1, ""))).await.body, answer(1, ""));
}

#[tokio::test]
async fn a_body_that_is_refused_by_its_head_is_read_to_its_end_without_a_reset() {
    let world = World::start();
    let client = Http2::over_tls(&world).await;
    let requests = [("/dns-query", "application/dns-message", 413), ("/", "text/plain", 404)];
    for (path, kind, status) in requests {
        let request = Request::post(format!("https://localhost{path}"))
            .header("content-type", kind)
            .header("content-length", "100000")
            .body(())
            .unwrap();
        let ready = client.0.clone().ready().await;
        let (response, mut stream) = ready.unwrap().send_request(request, false).unwrap();
        assert_eq!(read(response).await.unwrap().status, status);
        stream.reserve_capacity(100_000);
        for left in (0..10).rev() {
            // It fails once the stream was reset.
            stream.send_data(Bytes::from(vec![0; 10_000]), left == 0).unwrap();
            assert_eq!(client.ask(get(&query(1, ""))).await.body, answer(1, ""));
        }
    }
}

/// The head of a POST, and the way to send its body.
async fn begin_post(client: &Http2) -> (h2::client::ResponseFuture, h2::SendStream<Bytes>) {
    let request = Request::post("https://localhost/dns-query")
        .header("content-type", "application/dns-message")
        .body(())
        .unwrap();
    client.0.clone().ready().await.unwrap().send_request(request, false).unwrap()
}

#[tokio::test]
async fn a_body_that_does_not_end_in_time_costs_its_own_stream_only() {
    let world = World::with_limits(|limits| limits.read_ms = 100);
    let client = Http2::over_tls(&world).await;
    let held = client.send(get(&query(1, "hold"))).await;
    let (response, mut stream) = begin_post(&client).await;
    stream.send_data(Bytes::from_static(&[0; 5]), false).unwrap();
    assert_eq!(read(response).await.unwrap().status, 408);
    world.service.release(1);
    assert_eq!(read(held).await.unwrap().body, answer(1, "hold"));
}

#[tokio::test]
async fn a_client_that_gives_a_stream_up_loses_nothing_else() {
    let world = World::start();
    let client = Http2::over_tls(&world).await;
    let (response, mut stream) = begin_post(&client).await;
    stream.send_data(Bytes::from_static(&[0; 5]), false).unwrap();
    stream.send_reset(h2::Reason::CANCEL);
    drop(response);
    let given_up = client.send(get(&query(1, "hold"))).await;
    until_held(&world, 1).await;
    drop(given_up);
    world.service.release(1);
    assert_eq!(client.ask(get(&query(2, ""))).await.body, answer(2, ""));
}

#[tokio::test]
async fn a_query_that_panics_costs_its_own_stream_only() {
    let world = World::start();
    let client = Http2::over_tls(&world).await;
    let lost = client.send(get(&query(1, "burst"))).await;
    until_held(&world, 1).await;
    world.service.release(1);
    assert!(read(lost).await.unwrap_err().is_reset());
    assert_eq!(client.ask(get(&query(2, ""))).await.body, answer(2, ""));
}

#[tokio::test]
async fn a_request_under_way_is_answered_before_the_end() {
    let mut world = World::start();
    let client = Http2::over_tls(&world).await;
    let held = client.send(get(&query(1, "hold"))).await;
    until_held(&world, 1).await;
    world.drain();
    world.service.release(1);
    assert_eq!(read(held).await.unwrap().body, answer(1, "hold"));
    // GOAWAY: nothing new may be asked.
    while let Ok(mut send) = client.0.clone().ready().await {
        let _ = send.send_request(Request::get("https://localhost/").body(()).unwrap(), true);
        tokio::task::yield_now().await;
    }
    drop(client);
    tokio::task::spawn_blocking(move || world.until_ended()).await.unwrap();
}
