use http::Request;
use tokio::net::TcpStream;

use super::http::{Http2, get, post, read, until_held, until_open};
use super::world::{World, answer, query};

async fn cleartext(world: &World, set: impl FnOnce(&mut h2::client::Builder)) -> Http2 {
    Http2::over(TcpStream::connect(world.address("doh_cleartext")).await.unwrap(), set).await
}

#[tokio::test]
async fn an_answer_waits_for_the_window_of_its_client() {
    let world = World::start();
    let client = cleartext(&world, |builder| {
        builder.initial_window_size(10);
    })
    .await;
    // Reading gives the window back piece by piece.
    let small = client.send(post(&query(1, "big 5000"))).await;
    assert_eq!(read(small).await.unwrap().body.len(), 5000);
}

#[tokio::test]
async fn a_client_that_opens_no_window_loses_its_stream() {
    let world = World::with_limits(|limits| limits.write_ms = 50);
    let client = cleartext(&world, |builder| {
        builder.initial_window_size(0);
    })
    .await;
    let response = client.send(get(&query(1, ""))).await;
    let (head, mut body) = response.await.unwrap().into_parts();
    assert_eq!(head.status, 200);
    assert!(body.data().await.unwrap().unwrap_err().is_reset());
}

#[tokio::test]
async fn queries_beyond_the_limit_wait_until_others_are_answered() {
    let world = World::with_limits(|limits| limits.queries_per_connection = 2);
    let client = cleartext(&world, |_| ()).await;
    let mut responses = Vec::new();
    for id in 1..=5 {
        responses.push(client.send(get(&query(id, "hold"))).await);
    }
    for (id, response) in (1..=5_u16).zip(responses) {
        let left = usize::from(6 - id).min(2);
        until_held(&world, left).await;
        world.service.release(id);
        assert_eq!(read(response).await.unwrap().body, answer(id, "hold"));
    }
}

#[tokio::test]
async fn streams_beyond_the_limit_are_not_opened() {
    let world = World::with_limits(|limits| limits.streams_per_connection = 3);
    let client = cleartext(&world, |_| ()).await;
    // The limit is known to the client once its settings have come.
    client.ask(get(&query(9, ""))).await;
    assert_eq!(client.0.current_max_send_streams(), 3);
}

#[tokio::test]
async fn a_header_list_beyond_the_limit_is_refused() {
    let world = World::with_limits(|limits| limits.header_octets = 1000);
    let client = cleartext(&world, |_| ()).await;
    let request = Request::get("https://localhost/dns-query")
        .header("x-long", "x".repeat(2000))
        .body(())
        .unwrap();
    let mut send = client.0.clone().ready().await.unwrap();
    let (response, _) = send.send_request(request, true).unwrap();
    assert_eq!(response.await.unwrap().status(), 431);
    assert_eq!(client.ask(get(&query(1, ""))).await.body, answer(1, ""));
}

#[tokio::test]
async fn a_flood_of_resets_ends_the_connection() {
    let world = World::start();
    let client = cleartext(&world, |_| ()).await;
    for id in 0..10_000 {
        let Ok(mut send) = client.0.clone().ready().await else { break };
        let request = Request::get("https://localhost/dns-query?dns=").body(()).unwrap();
        let Ok((_response, mut stream)) = send.send_request(request, false) else { break };
        stream.send_reset(h2::Reason::CANCEL);
        assert!(id < 9999, "nothing has stopped the flood");
        if id % 100 == 0 {
            tokio::task::yield_now().await;
        }
    }
    until_open(&world, 0).await;
    // Others are served.
    assert_eq!(cleartext(&world, |_| ()).await.ask(get(&query(1, ""))).await.body, answer(1, ""));
}

#[tokio::test]
async fn an_idle_connection_is_closed_but_not_one_that_waits() {
    let world = World::with_limits(|limits| limits.idle_ms = 50);
    let waiting = cleartext(&world, |_| ()).await;
    let held = waiting.send(get(&query(1, "hold"))).await;
    until_held(&world, 1).await;
    let idle = cleartext(&world, |_| ()).await;
    assert_eq!(idle.ask(get(&query(2, ""))).await.body, answer(2, ""));
    idle.until_closed().await;
    world.service.release(1);
    assert_eq!(read(held).await.unwrap().body, answer(1, "hold"));
    waiting.until_closed().await;
    until_open(&world, 0).await;
}

#[tokio::test]
async fn a_client_that_asks_nothing_is_closed() {
    let world = World::with_limits(|limits| limits.read_ms = 50);
    let client = cleartext(&world, |_| ()).await;
    client.until_closed().await;
}
