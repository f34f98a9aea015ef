//! Entries about addresses in answers.

use super::*;

/// What lists decide about an address, as `block list:line pattern`, or `-`.
fn decided_address(lists: &[&str], address: &str) -> String {
    let lists: Vec<_> = lists.iter().map(|text| (ListKind::Block, *text)).collect();
    let (file, kinds) = opened(&lists);
    let (in_use, kind) = ((0..lists.len()).collect(), RecordType::A);
    let hit = file.decide_address(&in_use, &kinds, address.parse().unwrap(), kind);
    hit.map_or("-".into(), |hit| {
        let action = if hit.action == Action::Block { "block" } else { "allow" };
        format!("{action} {}:{} {}", hit.list, hit.line, file.pattern(&hit))
    })
}

#[test]
fn an_address_is_decided_about_like_a_name() {
    let block = "a.example\n||192.0.2.0^\n||198.51.100.*^\n";
    for (lists, address, expected) in [
        (vec![block], "192.0.2.0", "block 0:2 ||192.0.2.0^"),
        (vec![block], "192.0.2.1", "-"),
        (vec![block], "198.51.100.9", "block 0:3 ||198.51.100.0/24^"),
        (vec![block], "::ffff:198.51.100.9", "block 0:3 ||198.51.100.0/24^"),
        (vec![block, "@@||198.51.100.9^"], "198.51.100.9", "allow 1:1 @@||198.51.100.9^"),
        (vec![block, "||192.0.2.0^$badfilter"], "192.0.2.0", "-"),
        (vec!["||192.0.2.1^$dnstype=AAAA"], "192.0.2.1", "-"),
        (vec!["/^[0-9]/\n||2.*\n"], "192.0.2.1", "-"),
        (vec!["a.example"], "192.0.2.1", "-"),
    ] {
        assert_eq!(decided_address(&lists, address), expected, "{lists:?} {address}");
    }
}

#[test]
fn in_a_response_policy_zone_the_longer_network_wins() {
    let zone = "$TTL 60\n24.0.2.0.192.rpz-ip CNAME .\n32.7.2.0.192.rpz-ip CNAME rpz-passthru.\n";
    assert_eq!(decided_address(&[zone], "192.0.2.8"), "block 0:2 ||192.0.2.0/24^");
    assert_eq!(decided_address(&[zone], "192.0.2.7"), "allow 0:3 @@||192.0.2.7^");
}

#[test]
fn an_address_on_a_list_is_no_name_that_anybody_asks_for() {
    assert_eq!(decided_by("||192.0.2.7^", "7.2.0.192.in-addr.arpa"), "-");
    assert_eq!(decided_by("||192.0.2.7^", "192.0.2.7"), "-");
}
