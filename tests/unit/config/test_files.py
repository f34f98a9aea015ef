from pathlib import Path

from keyhole.config.files import MAX_FILE, Source, read_text, sources


def test_a_folder_gives_its_yaml_files_sorted_and_nothing_else(tmp_path: Path) -> None:
    for name in ("b.yaml", "a.yml", "notes.txt", ".hidden.yaml", "c.yaml~"):
        (tmp_path / name).write_text("x")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "d.yaml").write_text("x")
    (tmp_path / "link.yaml").symlink_to(tmp_path / "b.yaml")
    (tmp_path / "loop").symlink_to(tmp_path)
    found, problems = sources(tmp_path)
    assert [source.name for source in found] == ["a.yml", "b.yaml", "deep/d.yaml"]
    assert problems == []


def test_a_path_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    _, problems = sources(tmp_path / "nothing")
    assert [problem.why for problem in problems] == ["there is no such file or folder"]


def why(path: Path) -> str:
    text, problems = read_text(Source(path, path.name))
    assert text == ""
    return str(problems[0])


def test_a_file_that_is_not_utf_8_is_refused_with_the_line(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_bytes(b"a: 1\nb: \xe4\n")
    assert why(file) == "a.yaml:2: the octet 0xe4 is not UTF-8; save the file as UTF-8"
    file.write_bytes("a: 1\n".encode("utf-16"))
    assert why(file) == "a.yaml: written in UTF-16; save it as UTF-8"


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_bytes(b"\xef\xbb\xbfa: 1\n")
    assert read_text(Source(file, "a.yaml")) == ("a: 1\n", [])


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_bytes(b"#" * (MAX_FILE + 1))
    assert "larger than 1MiB; put many names into the file of a List" in why(file)


def test_what_is_no_regular_file_is_refused(tmp_path: Path) -> None:
    assert "not a regular file" in why(tmp_path)
