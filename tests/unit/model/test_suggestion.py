from keyhole.model.suggestion import nearest, suggest


def test_letters_that_changed_places_find_their_word() -> None:
    assert nearest("dho", ["udp", "tcp", "dot", "doh"]) == "doh"
    assert nearest("defualt", ["default", "rules"]) == "default"


def test_the_other_way_of_joining_words_finds_the_word() -> None:
    assert nearest("server_name", ["serverName", "path"]) == "serverName"
    assert nearest("maxTtl", ["max_ttl", "min_ttl"]) == "max_ttl"


def test_what_is_like_nothing_is_told_everything_that_is_valid() -> None:
    assert suggest("zzz", ["allow", "deny"]) == "valid are allow, deny"
    assert suggest("zzz", []) == "there is none"
    assert suggest("zzz", [f"key{n:02}" for n in range(20)]).endswith("and 8 more")
