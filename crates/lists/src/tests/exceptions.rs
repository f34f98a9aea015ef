//! Exceptions of every format, and what they leave blocked.

use super::*;

/// Whether a block list of this text allows, blocks or does not know each name.
fn says(list: &str, names: &str) -> String {
    let word = |name: &str| decided_by(list, name).split(' ').next().unwrap_or_default().to_owned();
    names.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

#[test]
fn in_a_policy_zone_the_closest_name_counts() {
    let list = "$TTL 60\n*.open CNAME rpz-passthru.\nbad.open CNAME .\n*.bad.open CNAME .\n\
                ok.bad.open CNAME rpz-passthru.\n*.wide.example CNAME .\n\
                nas.wide.example A 192.0.2.7\n";
    assert_eq!(
        says(list, "x.open bad.open y.bad.open ok.bad.open a.wide.example nas.wide.example"),
        "allow block block allow block -"
    );
}

#[test]
fn in_settings_of_dnsmasq_the_line_for_the_longer_name_counts() {
    let list = "address=/ads.example/#\nserver=/ok.ads.example/#\nlocal=/bad.ok.ads.example/\n\
                server=/corp.ads.example/192.0.2.53\naddress=/nas.ads.example/192.0.2.7\n";
    let names = "ads.example x.ok.ads.example bad.ok.ads.example corp.ads.example nas.ads.example";
    assert_eq!(says(list, names), "block allow block - -");
}

#[test]
fn in_settings_of_unbound_the_closest_zone_counts_and_data_beat_their_zone() {
    let list = "local-zone: \"ads.example\" always_null\nlocal-zone: \"ok.ads.example\" transparent\n\
                local-zone: bad.ok.ads.example static\nlocal-data: \"ads.example A 192.0.2.7\"\n\
                local-data: \"x.ok.ads.example A 0.0.0.0\"\n";
    let names = "a.ads.example ok.ads.example bad.ok.ads.example ads.example x.ok.ads.example";
    assert_eq!(says(list, names), "block - block - block");
}

#[test]
fn a_bare_name_with_an_at_sign_or_a_modifier_also_means_the_names_below() {
    let list = "||shop.example^\n@@ok.shop.example\nads.example$important\nalone.example\n";
    let names = "www.ok.shop.example ok.shop.example a.ads.example alone.example a.alone.example";
    assert_eq!(says(list, names), "allow allow block block -");
}

#[test]
fn what_a_zone_of_unbound_answers_for_some_clients_or_with_an_address_is_not_blocked() {
    let list = "local-zone: shop.example redirect\nlocal-data: \"shop.example A 192.0.2.7\"\n\
                local-zone: tagged.example static\nlocal-zone-tag: tagged.example \"kids\"\n\
                local-zone: bad.example static\nview:\nlocal-zone: kids.example static\n";
    let names = "shop.example www.shop.example www.tagged.example bad.example kids.example";
    assert_eq!(says(list, names), "- - - block -");
}

#[test]
fn data_of_one_type_beside_a_block_take_out_that_type_alone() {
    let lists = [
        "$TTL 60\nads.example A 0.0.0.0\nads.example TXT \"why (see above\"\nb.example CNAME .\n",
        "local-zone: \"ads.example\" static\nlocal-data: 'ads.example TXT \"why\"'\n\
         local-zone: b.example static\nlocal-data: 'ok.b.example CNAME c.example'\n",
    ];
    for list in lists {
        let list = [(ListKind::Block, list)];
        for (name, kind, verdict) in [
            ("ads.example", RecordType::A, "block"),
            ("ads.example", RecordType::TXT, "-"),
            ("b.example", RecordType::TXT, "block"),
            ("ok.b.example", RecordType::A, "-"),
        ] {
            assert!(decided(&list, name, kind).starts_with(verdict), "{name} {kind}");
        }
    }
}

#[test]
fn a_badfilter_takes_back_what_says_the_same_also_in_another_list() {
    let list = "||a.example^\n||a.example^$badfilter\n||b.example^$important\n||b.example^$badfilter\n\
                ||c.example^$dnstype=A|AAAA\n||c.example^$badfilter,dnstype=AAAA|A\n\
                ads*.d.example^\nads*.d.example^$badfilter\n@@||e.example^\n||e.example^\n\
                @@||e.example^$badfilter\n||f.example^\n|f.example^$badfilter\n\
                ||g.example^$denyallow=a.g.example|b.g.example\n\
                ||g.example^$badfilter,denyallow=b.g.example|a.g.example\n";
    let names = "a.example b.example c.example ads1.d.example e.example f.example g.example";
    assert_eq!(says(list, names), "- block - - block block -");
    let lists = [(ListKind::Block, "||a.example^"), (ListKind::Block, "||a.example^$badfilter")];
    assert_eq!(decided(&lists, "x.a.example", RecordType::A), "-");
    let (file, kinds) = opened(&lists);
    let first = [0].into_iter().collect();
    let hit = file.decide(&first, &kinds, &hashed("x.a.example"), RecordType::A);
    assert!(hit.is_some(), "a list that is not in use takes nothing back");
}

#[test]
fn an_exception_for_some_clients_takes_its_names_out_of_its_own_list_and_allows_nothing() {
    let list = "||ads.example^\n@@||ok.ads.example^$client=tv\n||bad.ok.ads.example^$important\n";
    let names = "ads.example x.ok.ads.example bad.ok.ads.example";
    assert_eq!(says(list, names), "block - block");
    let other = [(ListKind::Block, list), (ListKind::Block, "ok.ads.example")];
    assert!(decided(&other, "ok.ads.example", RecordType::A).starts_with("block 1:1"));
}

#[test]
fn an_exception_from_rewrites_is_about_rewrites_alone() {
    let list = "||a.example^$dnsrewrite=NXDOMAIN\n@@||ok.a.example^$dnsrewrite\n\
                @@||refused.a.example^$dnsrewrite=REFUSED\n||b.example^\n@@||b.example^$dnsrewrite\n";
    let names = "a.example ok.a.example refused.a.example b.example";
    assert_eq!(says(list, names), "block - block block");
    let allow = [(ListKind::Allow, "||a.example^$dnsrewrite=NXDOMAIN")];
    assert_eq!(decided(&allow, "a.example", RecordType::A), "-");
}

#[test]
fn a_rule_for_all_but_some_names_blocks_the_others() {
    let list = "*$denyallow=com|example.org\n";
    assert_eq!(says(list, "a.example.org b.com org a.example"), "- - block block");
    let protected = compiled(&["dns.example.net"], &[(ListKind::Block, "*$denyallow=com")]).1;
    let report = &protected.lists[0];
    assert_eq!((report.skipped.count, report.spared), (0, 1));
}

#[test]
fn what_settings_of_dnsmasq_answer_otherwise_is_blocked_by_no_other_line_of_them() {
    let settings = "address=/ads.example/#\nhost-record=nas.ads.example,192.0.2.7\n\
                    cname=goto.ads.example,b.example\nserver=/*ok.ads.example/#\n";
    let names = "ads.example nas.ads.example x.nas.ads.example goto.ads.example x-ok.ads.example";
    assert_eq!(says(settings, names), "block - block - -");
}
