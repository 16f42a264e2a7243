//! Two ways of lining text up in columns, both known from kubectl.
//!
//! In a real cluster the client does this: `kubectl get` pads every column to its widest cell, `kubectl describe` aligns
//! runs of neighbouring lines ("elastic tab stops"). We model both exactly, blanks included. Left out: terminal colours.
//! The real thing: `k8s.io/cli-runtime/pkg/printers/tabwriter.go` and Go's `text/tabwriter`.

/// Columns of a table that is printed row by row: widths are remembered, so rows that arrive later line up with earlier ones.
#[derive(Clone, Debug, Default)]
pub struct Columns {
    widths: Vec<usize>,
}

/// Narrowest column, padding included (kubectl's `tabwriterMinWidth`).
const WIDTH_MIN: usize = 6;
/// Blanks after the widest cell (kubectl's `tabwriterPadding`).
const PADDING: usize = 3;

impl Columns {
    /// Lays out `rows`; the last cell of a row is never padded.
    pub fn lay_out(&mut self, rows: &[Vec<String>]) -> String {
        for row in rows {
            let padded = row.len().saturating_sub(1);
            if self.widths.len() < padded {
                self.widths.resize(padded, WIDTH_MIN);
            }
            for (width, cell) in self.widths.iter_mut().zip(&row[..padded]) {
                *width = (*width).max(cell.chars().count() + PADDING);
            }
        }
        let mut text = String::new();
        for row in rows {
            for (at, cell) in row.iter().enumerate() {
                text.push_str(cell);
                if at + 1 < row.len() {
                    pad(&mut text, self.widths[at].saturating_sub(cell.chars().count()));
                }
            }
            text.push('\n');
        }
        text
    }
}

/// A whole table at once.
pub fn table(rows: &[Vec<String>]) -> String {
    Columns::default().lay_out(rows)
}

/// Aligns tab-separated lines: cells that stand above each other in neighbouring lines form a column as wide as its
/// widest cell plus `padding`. The text after the last tab of a line belongs to no column.
///
/// ```
/// use sim_core::render::table::elastic;
/// assert_eq!(elastic("a:\tx\nlong:\ty\nblock:\nb:\tz\n", 2), "a:     x\nlong:  y\nblock:\nb:  z\n");
/// ```
pub fn elastic(text: &str, padding: usize) -> String {
    let body = text.strip_suffix('\n').unwrap_or(text);
    if text.is_empty() {
        return String::new();
    }
    let lines: Vec<Vec<&str>> = body.split('\n').map(|line| line.split('\t').collect()).collect();
    let deepest = lines.iter().map(Vec::len).max().unwrap_or(0);
    let mut widths: Vec<Vec<usize>> = lines.iter().map(|cells| vec![0; cells.len()]).collect();
    for column in 0..deepest.saturating_sub(1) {
        let mut first = 0;
        while first < lines.len() {
            let in_column = |line: &Vec<&str>| line.len() > column + 1;
            if !in_column(&lines[first]) {
                first += 1;
                continue;
            }
            let end = first + lines[first..].iter().take_while(|line| in_column(line)).count();
            let widest = lines[first..end].iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
            for line in &mut widths[first..end] {
                line[column] = widest + padding;
            }
            first = end;
        }
    }
    let mut out = String::new();
    for (cells, widths) in lines.iter().zip(&widths) {
        for (at, cell) in cells.iter().enumerate() {
            out.push_str(cell);
            if at + 1 < cells.len() {
                pad(&mut out, widths[at] - cell.chars().count());
            }
        }
        out.push('\n');
    }
    if !text.ends_with('\n') {
        out.pop();
    }
    out
}

/// Columns of a terminal that nobody has made wider.
pub const TERMINAL: usize = 80;

/// A text behind a head, in lines that a terminal does not break: what does not fit goes on below, `indent` blanks in. Only blanks
/// are places to break, so a word that is longer than a line stays whole.
///
/// ```
/// use sim_core::render::table::wrapped;
/// let text = "one two ".repeat(12);
/// let lines = wrapped("T1  ", &text, 4);
/// assert!(lines.len() == 2 && lines.iter().all(|line| line.len() <= 80) && lines[1].starts_with("    two"));
/// ```
pub fn wrapped(head: &str, text: &str, indent: usize) -> Vec<String> {
    let mut lines = vec![head.to_string()];
    let mut empty = true;
    for word in text.trim_end().split(' ') {
        let Some(line) = lines.last_mut() else { break };
        let gap = usize::from(!empty);
        if !empty && line.chars().count() + gap + word.chars().count() > TERMINAL {
            lines.push(format!("{:indent$}{word}", ""));
        } else {
            pad(line, gap);
            line.push_str(word);
        }
        empty = false;
    }
    lines
}

fn pad(text: &mut String, blanks: usize) {
    text.extend(std::iter::repeat_n(' ', blanks));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Vec<Vec<String>> {
        text.lines().map(|line| line.split('|').map(String::from).collect()).collect()
    }

    #[test]
    fn columns_are_widest_cell_plus_three_and_at_least_six() {
        assert_eq!(table(&rows("A|NAME\nb|x")), "A     NAME\nb     x\n");
        assert_eq!(table(&rows("NAME|AGE\nlonger|1s")), "NAME     AGE\nlonger   1s\n");
    }

    #[test]
    fn an_empty_last_cell_keeps_the_padding_before_it() {
        assert_eq!(table(&rows("NAME|L\nx|")), "NAME   L\nx      \n");
    }

    #[test]
    fn widths_are_remembered_between_batches() {
        let mut columns = Columns::default();
        columns.lay_out(&rows("a-long-name|1"));
        assert_eq!(columns.lay_out(&rows("b|2")), "b             2\n");
    }

    #[test]
    fn a_line_without_a_cell_breaks_the_column() {
        assert_eq!(elastic("Type\tStatus\n----\t--\nA \tTrue \n", 2), "Type  Status\n----  --\nA     True \n");
        assert_eq!(elastic("x\t\ty\n", 2), "x    y\n");
        assert_eq!(elastic("", 2), "");
    }
}
