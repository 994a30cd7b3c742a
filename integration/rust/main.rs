//! A server of Rust's standard library alone: a thread for each connection, which is kept.
//! No stop logic: SIGTERM ends it.
//!
//!     GET /echo/ID[?ms=N]   "ID REVISION PID\n", after N ms

use std::io::{BufRead, BufReader, Result, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;
use std::{env, process, thread};

/// The request line, and whether the client wants the connection closed; None at its end.
fn read_head(reader: &mut impl BufRead) -> Result<Option<(String, bool)>> {
    let mut request = String::new();
    if reader.read_line(&mut request)? == 0 {
        return Ok(None);
    }
    let mut closes = request.trim_end().ends_with("HTTP/1.0");
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let line = line.trim_end();
        if line.is_empty() {
            return Ok(Some((request, closes)));
        }
        closes |= line.eq_ignore_ascii_case("connection: close");
    }
}

fn answer(request: &str, revision: &str) -> String {
    let target = request.split(' ').nth(1).unwrap_or("");
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let id = match path.strip_prefix("/echo/") {
        Some(id) => id,
        None => return "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_string(),
    };
    if let Some(Ok(ms)) = query.strip_prefix("ms=").map(str::parse) {
        thread::sleep(Duration::from_millis(ms));
    }
    let line = format!("{} {} {}\n", id, revision, process::id());
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n{}",
        line.len(),
        line
    )
}

fn serve(mut stream: TcpStream, revision: &str) -> Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    while let Some((request, closes)) = read_head(&mut reader)? {
        stream.write_all(answer(&request, revision).as_bytes())?;
        if closes {
            break;
        }
    }
    Ok(())
}

fn main() -> Result<()> {
    let port = env::var("PORT").expect("PORT");
    let revision = env::var("RELOADD_REVISION").unwrap_or_else(|_| "0".to_string());
    let listener = TcpListener::bind(format!("127.0.0.1:{}", port))?;
    for stream in listener.incoming() {
        let stream = stream?;
        let revision = revision.clone();
        // A client that goes away in the middle is no concern of the others.
        thread::spawn(move || serve(stream, &revision).ok());
    }
    Ok(())
}
