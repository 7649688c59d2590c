//! A client of NATS that wants everything and takes nothing from the wire, as one whose process hangs. The server has to bear it.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::Duration;
use url::Url;

/// Longest wait for the server's first words.
const PATIENCE: Duration = Duration::from_millis(500);

/// Its connection; it hangs until this is dropped.
pub struct SlowConsumer {
    _connection: TcpStream,
}

impl SlowConsumer {
    /// Connects and subscribes to every event; nothing where the server is away.
    pub fn begin(nats_url: &str) -> Option<Self> {
        let url: Url = nats_url.parse().ok()?;
        let address = (url.host_str()?, url.port()?);
        let mut connection = TcpStream::connect(address).ok()?;
        connection.set_read_timeout(Some(PATIENCE)).ok()?;
        let mut greeting = String::new();
        BufReader::new(&connection).read_line(&mut greeting).ok()?;
        if !greeting.starts_with("INFO ") {
            return None;
        }
        let asked = serde_json::json!({
            "user": url.username(), "pass": url.password().unwrap_or_default(), "verbose": false, "pedantic": false,
            "lang": "none", "version": "0", "name": "hangs",
        });
        let words = format!("CONNECT {asked}\r\nSUB vara.> 1\r\n");
        connection.write_all(words.as_bytes()).ok()?;
        Some(Self {
            _connection: connection,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::net::TcpListener;

    #[test]
    fn it_asks_for_every_event_and_says_nothing_more() {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("nats://vara:secret@{}", server.local_addr().unwrap());
        let serving = std::thread::spawn(move || {
            let (mut client, _) = server.accept().unwrap();
            client.write_all(b"INFO {}\r\n").unwrap();
            let mut words = String::new();
            client.read_to_string(&mut words).unwrap();
            words
        });
        drop(SlowConsumer::begin(&url).unwrap());
        let words = serving.join().unwrap();
        assert!(words.starts_with("CONNECT {") && words.contains("secret"));
        assert!(words.ends_with("SUB vara.> 1\r\n"), "{words}");
    }

    #[test]
    fn a_server_that_is_away_has_no_such_client() {
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        assert!(SlowConsumer::begin(&format!("nats://{port}")).is_none());
    }
}
