//! Rust source as tokens: comments are gone, and what stands in a string is no code.

/// What the import check needs to tell apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// An identifier or a keyword; a raw identifier without its `r#`.
    Word(String),
    /// The content of a string, or a number.
    Literal(String),
    /// `::`.
    Colons,
    /// Any other sign.
    Sign(char),
}

/// The tokens of `text`. Lifetimes are left out: they name no module.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = if first.is_whitespace() {
            first.len_utf8()
        } else if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            block_comment(rest)
        } else if let Some((content, length)) = string(rest) {
            found.push(Token::Literal(content.to_owned()));
            length
        } else if first == '\'' {
            quote(rest)
        } else if is_word(first) {
            let raw = if rest.starts_with("r#") { 2 } else { 0 };
            let name = word(&rest[raw..]);
            found.push(if first.is_ascii_digit() {
                Token::Literal(name.to_owned())
            } else {
                Token::Word(name.to_owned())
            });
            // A lone `r#` is no Rust; it must not stop the reader.
            (raw + name.len()).max(1)
        } else if rest.starts_with("::") {
            found.push(Token::Colons);
            2
        } else {
            found.push(Token::Sign(first));
            first.len_utf8()
        };
        rest = &rest[length..];
    }
    found
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

fn word(text: &str) -> &str {
    &text[..text.find(|character| !is_word(character)).unwrap_or(text.len())]
}

/// Length of the comment at the start of `text`. Block comments nest.
fn block_comment(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(found) = text[at..].find(['/', '*']) {
        at += found;
        if text[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if text[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    text.len()
}

/// Content and length of the string at the start of `text`, if one starts there: plain, raw, of bytes, or of C.
fn string(text: &str) -> Option<(&str, usize)> {
    let marked = text.strip_prefix(['b', 'c']).unwrap_or(text);
    let (bare, is_raw) = marked.strip_prefix('r').map_or((marked, false), |bare| (bare, true));
    let hashes = if is_raw { bare.len() - bare.trim_start_matches('#').len() } else { 0 };
    let body = bare[hashes..].strip_prefix('"')?;
    let begin = text.len() - body.len();
    let (end, quote) = if is_raw {
        let quote = format!("\"{}", "#".repeat(hashes));
        (body.find(&quote), quote.len())
    } else {
        (unescaped(body, '"'), 1)
    };
    let end = end.unwrap_or(body.len());
    Some((&body[..end], (begin + end + quote).min(text.len())))
}

/// Where `quote` stands in `text` without a backslash before it.
fn unescaped(text: &str, quote: char) -> Option<usize> {
    let mut is_escaped = false;
    text.char_indices().find_map(|(at, character)| {
        let is_end = character == quote && !is_escaped;
        is_escaped = character == '\\' && !is_escaped;
        is_end.then_some(at)
    })
}

/// Length of the character or the lifetime at the start of `text`.
fn quote(text: &str) -> usize {
    let body = &text[1..];
    let first = body.chars().next().map_or(0, char::len_utf8);
    if body.starts_with('\\') || body[first..].starts_with('\'') {
        unescaped(body, '\'').map_or(text.len(), |end| end + 2)
    } else {
        1 + word(body).len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All tokens in one line, literals in angle brackets.
    fn line(text: &str) -> String {
        let shown = tokens(text).into_iter().map(|token| match token {
            Token::Word(name) => name,
            Token::Literal(content) => format!("<{content}>"),
            Token::Colons => "::".to_owned(),
            Token::Sign(sign) => sign.to_string(),
        });
        shown.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn comments_are_left_out() {
        assert_eq!(line("a // crate::b\n/// [`crate::c`]\nd /* e /* f */ g */ h /* open"), "a d h");
        assert_eq!(line("a//"), "a");
    }

    #[test]
    fn what_stands_in_a_string_is_no_code() {
        assert_eq!(line(r#"a("crate::b \" c", 'd') e"#), r#"a ( <crate::b \" c> , ) e"#);
        assert_eq!(line("r#\"a \" b\"# c br\"d\" b\"e\" f"), "<a \" b> c <d> <e> f");
        assert_eq!(line(r#""a \\" b"#), r"<a \\> b");
        assert_eq!(line("\"open"), "<open>");
    }

    #[test]
    fn characters_and_lifetimes_are_told_apart() {
        assert_eq!(line(r"f::<'a>('b', '\'', '\\', '{') g"), "f :: < > ( , , , ) g");
        assert_eq!(line("&'static str; b'x' y"), "& str ; b y");
    }

    #[test]
    fn raw_identifiers_lose_their_mark() {
        assert_eq!(line("crate::r#type::r#fn x0 0x1f_u8"), "crate :: type :: fn x0 <0x1f_u8>");
    }
}
