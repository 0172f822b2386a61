//! Counters of a relay. Printed as one line of JSON.

use serde::Serialize;

/// Counters of one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DirectionCounters {
    /// Datagrams received.
    pub packets: u64,
    /// Bytes of payload received.
    pub bytes: u64,
    /// Datagrams sent.
    pub delivered: u64,
    /// Bytes of payload sent.
    pub delivered_bytes: u64,
    /// Datagrams dropped because the queue was full.
    pub queue_drops: u64,
    /// Datagrams lost by the model.
    pub lost: u64,
    /// Datagrams dropped because the relay held too many. A run with such a drop is invalid.
    pub overflow: u64,
    /// Datagrams that the system refused to send.
    pub send_errors: u64,
}

/// Counters of the relay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Counters {
    /// From clients to targets.
    pub up: DirectionCounters,
    /// From targets to clients.
    pub down: DirectionCounters,
    /// Pairs of client address and target so far.
    pub flows: u64,
    /// Datagrams that the system dropped because a socket of the relay was full, where the system reports it (Linux). A
    /// run with such a drop is invalid.
    pub socket_drops: u64,
    /// Smallest receive buffer that the system granted, in bytes.
    pub receive_buffer_bytes: u64,
}

/// Dropped datagrams of the sockets on these UDP ports, as Linux counts them; 0 elsewhere.
pub fn socket_drops(ports: &[u16]) -> u64 {
    ["/proc/net/udp", "/proc/net/udp6"]
        .iter()
        // Other systems do not have these files.
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
