//! Requests from outside: compile lists into a file, search a name in a file.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use keyhole_names::error::read_document;
use keyhole_names::list_file::{Action, ListFile, ListKind};
use keyhole_names::{Error, HashedName, Network};
use keyhole_wire::Name;
use serde::{Deserialize, Serialize};

use crate::compiler::Compiler;
use crate::formats::Format;
use crate::report::VERSION;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CompileRequest {
    version: u32,
    output: PathBuf,
    /// Names that no block list may block.
    protected: Vec<String>,
    lists: Vec<ListRequest>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListRequest {
    name: String,
    /// An allow list blocks nothing, and may name what is protected.
    #[serde(default = "block")]
    kind: ListKind,
    files: Vec<FileRequest>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileRequest {
    path: String,
    format: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SearchRequest {
    version: u32,
    path: PathBuf,
    sha256: String,
    name: String,
}

#[derive(Serialize)]
struct SearchReport<'a> {
    version: u32,
    name: String,
    hits: Vec<HitReport<'a>>,
}

/// A hit with its names, for people and programs outside.
#[derive(Serialize)]
struct HitReport<'a> {
    list: &'a str,
    file: &'a str,
    line: u32,
    action: Action,
    important: bool,
    pattern: String,
}

fn block() -> ListKind {
    ListKind::Block
}

/// Compiles the lists of a request into one file and gives the report. The file appears under its
/// name only when it is whole and on disk.
pub fn compile(request: &[u8]) -> Result<Vec<u8>, Error> {
    let request: CompileRequest = read_document("request", request)?;
    check_version(request.version)?;
    let mut protected = Vec::new();
    for (index, text) in request.protected.iter().enumerate() {
        protected.push(read_name(&format!("request.protected[{index}]"), text)?);
    }
    let mut compiler = Compiler::new(&protected);
    for (list, of_list) in request.lists.iter().enumerate() {
        compiler.begin_list(&of_list.name, of_list.kind)?;
        for (file, of_file) in of_list.files.iter().enumerate() {
            let place = format!("request.lists[{list}].files[{file}]");
            let format = read_format(&place, &of_file.format)?;
            let opened = open_regular(&of_file.path).map_err(|error| {
                Error::system(format!("open {place}.path {}", of_file.path), error)
            })?;
            compiler.read_file(&of_file.path, format, opened)?;
        }
    }
    let (file, report) = compiler.finish()?;
    write_file(&request.output, &file)?;
    to_json(&report)
}

/// Opens a list file. What is no regular file is an error: a FIFO would wait for its writer, and a
/// device may never end.
fn open_regular(path: &str) -> io::Result<File> {
    // O_NONBLOCK on Linux (open(2)): so that a FIFO in the place of the file cannot block.
    const NONBLOCK: i32 = 0o4000;
    let file = OpenOptions::new().read(true).custom_flags(NONBLOCK).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    Ok(file)
}

/// Finds every entry of a compiled file that speaks of a name.
pub fn search(request: &[u8]) -> Result<Vec<u8>, Error> {
    let request: SearchRequest = read_document("request", request)?;
    check_version(request.version)?;
    // Entries about addresses in answers are found by the address.
    let name = match request.name.parse().map(|address| Network::of(address).names()).as_deref() {
        Ok([name]) => *name,
        _ => read_name("request.name", &request.name)?,
    };
    let hashed = HashedName::new(&name);
    let file = ListFile::open(&request.path, &request.sha256)?;
    let found = file.search(&hashed);
    let hits = found.iter().map(|hit| HitReport {
        list: file.list_name(hit.list),
        file: file.file_path(hit),
        line: hit.line,
        action: hit.action,
        important: hit.important,
        pattern: file.pattern(hit),
    });
    to_json(&SearchReport {
        version: VERSION,
        name: Network::from_name(&name)
            .map_or_else(|| name.to_lower().to_string(), |one| one.to_string()),
        hits: hits.collect(),
    })
}

fn check_version(version: u32) -> Result<(), Error> {
    if version == VERSION { Ok(()) } else { Err(Error::version("request", version, VERSION)) }
}

fn read_name(path: &str, text: &str) -> Result<Name, Error> {
    keyhole_names::read_name(text)
        .map_err(|error| Error::invalid(path, format!("{text:?}: {error}")))
}

fn read_format(place: &str, word: &str) -> Result<Option<Format>, Error> {
    if word == "auto" {
        return Ok(None);
    }
    let known = Format::ALL.iter().find(|format| format.word() == word);
    known.copied().map(Some).ok_or_else(|| {
        let words: Vec<_> = Format::ALL.iter().map(|format| format.word()).collect();
        let why = format!("{word:?} is not a format; use auto, {}", words.join(", "));
        Error::invalid(format!("{place}.format"), why)
    })
}

fn to_json(value: &impl Serialize) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(value).map_err(|error| Error::invalid("report", error.to_string()))
}

/// Writes beside the file, then renames: who opens it sees the old octets or the new ones, also
/// after a crash.
fn write_file(path: &Path, octets: &[u8]) -> Result<(), Error> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let beside = path.with_file_name(name);
    let written = write_and_rename(&beside, path, octets);
    if written.is_err() {
        // What is left of a failed attempt; the error below says what matters.
        let _ = fs::remove_file(&beside);
    }
    written.map_err(|error| Error::system(format!("write the list file {}", path.display()), error))
}

fn write_and_rename(beside: &Path, path: &Path, octets: &[u8]) -> io::Result<()> {
    let mut file = File::create(beside)?;
    file.write_all(octets)?;
    file.sync_all()?;
    fs::rename(beside, path)?;
    // The name is on disk only when the folder is.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}
