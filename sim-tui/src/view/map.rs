//! The cluster on one pane: Services with their endpoints, then nodes with their pods.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::theme::Theme;
use super::{headed, lines};
use crate::app::scene::{Map, NodeSeen, PodSeen, ServiceSeen};

/// Draws the cluster; what does not fit is counted in the last line.
pub fn draw(map: &Map, theme: Theme, area: Rect, buffer: &mut Buffer) {
    let below = headed("Cluster", theme, area, buffer);
    let mut all: Vec<Line<'_>> = map.services.iter().map(|s| service(s, theme)).collect();
    all.extend(map.nodes.iter().flat_map(|n| node(n, theme)));
    if !map.unplaced.is_empty() {
        all.push(Line::styled("without a node", theme.strong()));
        all.extend(map.unplaced.iter().map(|p| pod(p, theme)));
    }
    let room = usize::from(below.height);
    if all.len() > room && room > 0 {
        let hidden = all.len() - (room - 1);
        all.truncate(room - 1);
        all.push(Line::styled(format!("… {hidden} more lines"), theme.faint()));
    }
    lines(all, below, buffer);
}

fn service(service: &ServiceSeen, theme: Theme) -> Line<'_> {
    let (ready, total) = (service.ready, service.total);
    let style = if ready > 0 { theme.good() } else { theme.bad() };
    Line::from(vec![
        Span::styled(format!("◆ {}", service.name), theme.strong()),
        Span::raw(format!(" {} ", service.address)),
        Span::styled(format!("{ready}/{total} ready"), style),
    ])
}

fn node(node: &NodeSeen, theme: Theme) -> Vec<Line<'_>> {
    let (word, style) = if node.ready { ("Ready", theme.good()) } else { ("NotReady", theme.bad()) };
    let mut head = vec![Span::styled(format!("▣ {} ", node.name), theme.strong()), Span::styled(word, style)];
    if node.system > 0 {
        head.push(Span::styled(format!(" + {} of the system", node.system), theme.faint()));
    }
    std::iter::once(Line::from(head)).chain(node.pods.iter().map(|p| pod(p, theme))).collect()
}

fn pod(pod: &PodSeen, theme: Theme) -> Line<'_> {
    let (glyph, word, style) = theme.pod(pod.state);
    Line::from(vec![
        Span::styled(format!("  {glyph} "), style),
        Span::raw(pod.name.as_str()),
        Span::styled(format!(" {word}"), style),
    ])
}
