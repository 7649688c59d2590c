//! Which loopback ports the servers use: chosen once, remembered, and changed only when taken.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;
use std::path::Path;

use serde_json::Value;

use crate::{Service, StackError, account::Account, folder};

/// Below the range from which systems give ports to outgoing connections. A port of that range
/// could be taken by anyone's client in the moment in which a server is restarted.
const CHOICE: Range<u16> = 15_000..30_000;
const TRIES: usize = 500;

/// The remembered port of a server if it is still free, otherwise another one, then remembered.
pub(crate) fn choose(folder: &Path, service: Service) -> Result<u16, StackError> {
    let path = folder.join("stack.json");
    let text = fs::read_to_string(&path).unwrap_or_default();
    // A damaged file costs the old ports, nothing else.
    let mut known: Value = serde_json::from_str(&text).unwrap_or_default();
    let key = match service {
        Service::Postgres => "postgres_port",
        Service::Nats => "nats_port",
    };
    let remembered = known
        .get(key)
        .and_then(Value::as_u64)
        .and_then(|port| port.try_into().ok());
    if let Some(port) = remembered.filter(|port| is_free(*port)) {
        return Ok(port);
    }
    let port = any_free(service)?;
    if !known.is_object() {
        known = serde_json::json!({});
    }
    known[key] = port.into();
    folder::write_whole(&path, &format!("{known:#}\n"), Account::Own)?;
    Ok(port)
}

/// Whether a server could listen on the port now.
pub(crate) fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

fn any_free(service: Service) -> Result<u16, StackError> {
    let mut candidates = (0..TRIES).map(|_| fastrand::u16(CHOICE));
    let found = candidates.find(|port| is_free(*port));
    found.ok_or(StackError::PortTaken {
        service,
        port: CHOICE.start,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_remembered_while_it_is_free_and_replaced_when_it_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let first = choose(folder.path(), Service::Nats).unwrap();
        let other = choose(folder.path(), Service::Postgres).unwrap();
        assert_eq!(choose(folder.path(), Service::Nats).unwrap(), first);

        let _taken = TcpListener::bind((Ipv4Addr::LOCALHOST, first)).unwrap();
        let second = choose(folder.path(), Service::Nats).unwrap();
        assert_ne!(second, first);
        assert_eq!(choose(folder.path(), Service::Nats).unwrap(), second);
        assert_eq!(choose(folder.path(), Service::Postgres).unwrap(), other);
    }

    #[test]
    fn a_damaged_memory_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        for damage in ["", "[]", "{\"nats_port\": 70000}", "{\"nats_port\""] {
            fs::write(folder.path().join("stack.json"), damage).unwrap();
            let port = choose(folder.path(), Service::Nats).unwrap();
            assert!(CHOICE.contains(&port));
            assert_eq!(choose(folder.path(), Service::Nats).unwrap(), port);
        }
    }
}
