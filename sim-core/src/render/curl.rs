//! What curl says of a request, and its exit status: the words are curl's, so that a learner can look them up.

use crate::engine::time::Duration;
use crate::network::client::End;

/// What curl says after the colon when no connection came about.
pub const CANNOT: &str = "Couldn't connect to server";

/// What curl says of a request that ended so, after that time.
pub fn said(end: End, (host, port): (&str, u16), after: Duration, timeout: Option<Duration>) -> String {
    let limit = timeout.unwrap_or(after).as_millis();
    let failed = |exit: u8, after: Duration| {
        format!("curl: ({exit}) Failed to connect to {host} port {port} after {} ms: {CANNOT}", after.as_millis())
    };
    match end {
        End::Status(status) if end.is_good() => format!("HTTP {status}"),
        End::Status(status) => format!("curl: (22) The requested URL returned error: {status}"),
        End::Unresolved => format!("curl: (6) Could not resolve host: {host}"),
        End::ResolvingLimit => format!("curl: (28) Resolving timed out after {limit} milliseconds"),
        End::Refused => failed(7, after),
        End::Unreachable => failed(7, Duration::ZERO),
        End::ConnectTimedOut => failed(28, after),
        End::ConnectLimit => format!("curl: (28) Connection timed out after {} milliseconds", limit + 1),
        End::Empty => "curl: (52) Empty reply from server".to_string(),
        End::Reset => "curl: (56) Recv failure: Connection reset by peer".to_string(),
        End::KernelGaveUp => "curl: (56) Recv failure: Connection timed out".to_string(),
        End::Limit => format!("curl: (28) Operation timed out after {limit} milliseconds with 0 bytes received"),
        End::NoTls => "curl: (35) OpenSSL/3.0.15: error:0A00010B:SSL routines::wrong version number".to_string(),
        End::Unknown => "no answer can be given: it rests on something that is not modelled".to_string(),
    }
}

/// curl's exit status for such an end.
pub fn exit(end: End) -> i32 {
    match end {
        End::Status(_) if end.is_good() => 0,
        End::Status(_) => 22,
        End::Unresolved => 6,
        End::Refused | End::Unreachable => 7,
        End::ResolvingLimit | End::ConnectTimedOut | End::ConnectLimit | End::Limit => 28,
        End::NoTls => 35,
        End::Empty => 52,
        End::Reset | End::KernelGaveUp => 56,
        End::Unknown => 124,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_end_has_a_text_and_a_status() {
        let ends = [
            (End::Status(200), 0, "HTTP 200"),
            (End::Status(404), 22, "curl: (22) The requested URL returned error: 404"),
            (End::Unresolved, 6, "curl: (6) Could not resolve host: web"),
            (End::ResolvingLimit, 28, "curl: (28) Resolving timed out after 5000 milliseconds"),
            (End::Refused, 7, "curl: (7) Failed to connect to web port 80 after 3 ms: Couldn't connect to server"),
            (End::Unreachable, 7, "curl: (7) Failed to connect to web port 80 after 0 ms: Couldn't connect to server"),
            (End::ConnectTimedOut, 28, "curl: (28) Failed to connect to web port 80 after 3 ms: Couldn't connect to server"),
            (End::ConnectLimit, 28, "curl: (28) Connection timed out after 5001 milliseconds"),
            (End::Empty, 52, "curl: (52) Empty reply from server"),
            (End::Reset, 56, "curl: (56) Recv failure: Connection reset by peer"),
            (End::KernelGaveUp, 56, "curl: (56) Recv failure: Connection timed out"),
            (End::Limit, 28, "curl: (28) Operation timed out after 5000 milliseconds with 0 bytes received"),
            (End::NoTls, 35, "curl: (35) OpenSSL/3.0.15: error:0A00010B:SSL routines::wrong version number"),
            (End::Unknown, 124, "no answer can be given: it rests on something that is not modelled"),
        ];
        for (end, status, want) in ends {
            let text = said(end, ("web", 80), Duration::from_millis(3), Some(Duration::from_secs(5)));
            assert_eq!((exit(end), text.as_str()), (status, want));
        }
    }
}
