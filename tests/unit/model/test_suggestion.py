from keyhole.model.suggestion import nearest, suggest


def test_swapped_letters_find_their_word() -> None:
    assert nearest("dho", ["udp", "tcp", "dot", "doh"]) == "doh"
    assert nearest("defualt", ["default", "rules"]) == "default"


def test_another_separator_finds_the_word() -> None:
    assert nearest("server_name", ["serverName", "path"]) == "serverName"
    assert nearest("maxTtl", ["max_ttl", "min_ttl"]) == "max_ttl"


def test_a_word_like_no_other_is_answered_with_all_valid_words() -> None:
    assert suggest("zzz", ["allow", "deny"]) == "valid are allow, deny"
    assert suggest("zzz", []) == "there is none"
    assert suggest("zzz", [f"key{n:02}" for n in range(20)]).endswith("and 8 more")
