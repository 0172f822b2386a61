//! What a relay counts. Printed as one line of JSON.

use serde::Serialize;

/// One direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DirectionCounters {
    /// Datagrams that came in.
    pub packets: u64,
    /// Bytes of their payload.
    pub bytes: u64,
    /// Datagrams that went out.
    pub delivered: u64,
    /// Bytes of their payload.
    pub delivered_bytes: u64,
    /// Found the queue full.
    pub queue_drops: u64,
    /// Lost by the model.
    pub lost: u64,
    /// Dropped because too much was under way. A run with one of these does not count.
    pub overflow: u64,
    /// Refused by the system when they went out.
    pub send_errors: u64,
}

/// The whole relay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Counters {
    /// From clients to targets.
    pub up: DirectionCounters,
    /// From targets to clients.
    pub down: DirectionCounters,
    /// Pairs of client address and target so far.
    pub flows: u64,
    /// Datagrams that the system dropped because a socket of the relay was full, where it tells (Linux). A run with one of
    /// these does not count.
    pub socket_drops: u64,
    /// Bytes that the system gave to the smallest receive buffer.
    pub receive_buffer_bytes: u64,
}

/// Drops of the sockets on these UDP ports, as Linux counts them; 0 elsewhere.
pub fn socket_drops(ports: &[u16]) -> u64 {
    ["/proc/net/udp", "/proc/net/udp6"]
        .iter()
        // A system without these files does not tell.
        .filter_map(|file| std::fs::read_to_string(file).ok())
        .map(|table| drops_in(&table, ports))
        .sum()
}

/// Each line after the first: number, local `address:port` in hexadecimal, ..., drops.
fn drops_in(table: &str, ports: &[u16]) -> u64 {
    let drops = |line: &str| {
        let local = line.split_whitespace().nth(1)?;
        let port = u16::from_str_radix(local.rsplit(':').next()?, 16).ok()?;
        let drops: u64 = line.split_whitespace().next_back()?.parse().ok()?;
        ports.contains(&port).then_some(drops)
    };
    table.lines().skip(1).filter_map(drops).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drops_of_our_own_ports_are_found() {
        let table = "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n\
            \x20  12: 0100007F:1F90 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 5 2 0000 17\n\
            \x20  13: 0100007F:1F91 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 6 2 0000 4\n";
        assert_eq!(drops_in(table, &[0x1f90]), 17);
        assert_eq!(drops_in(table, &[0x1f90, 0x1f91]), 21);
        assert_eq!(drops_in(table, &[80]), 0);
    }
}
