//! What a file says about modules: which it declares, what it imports, which paths its code names.
//!
//! A reader of tokens, not of Rust: it needs no types, so calls of methods are no imports, and what a macro makes is not
//! seen.

use super::{
    module::{Binds, FileModule, Module, Use},
    tokens::{Token, tokens},
};

/// Reads a whole file.
pub(super) fn read(text: &str) -> Module {
    let mut module = Module::default();
    Reader { tokens: tokens(text), at: 0 }.module(&mut module);
    module
}

/// What is said before an item.
#[derive(Default)]
struct Before {
    is_test: bool,
    is_public: bool,
    path: Option<String>,
}

/// The part of a module that one `#[cfg(test)]` is for, when it is no module and no `use`.
struct TestPart {
    depth: usize,
    /// An item ends with its body, a field or an arm with a comma.
    is_item: bool,
}

struct Reader {
    tokens: Vec<Token>,
    at: usize,
}

impl Reader {
    /// Reads up to the brace that closes the module, or to the end of the file.
    fn module(&mut self, module: &mut Module) {
        let mut depth = 0_usize;
        let mut before = Before::default();
        let mut test_part: Option<TestPart> = None;
        // Names in the body of a macro belong to whom it is expanded for; only `$crate` says otherwise.
        let mut macro_depth: Option<usize> = None;
        while let Some(token) = self.tokens.get(self.at).cloned() {
            self.at += 1;
            match &token {
                Token::Sign('#') if matches!(self.sign(0), Some('[' | '!')) => {
                    self.attribute(&mut before, module);
                    continue;
                }
                Token::Word(word) if word == "pub" => {
                    self.visibility();
                    before.is_public = true;
                    continue;
                }
                Token::Word(word) if word == "use" && self.sign(0) != Some('<') => {
                    let is_test = before.is_test || test_part.is_some();
                    self.use_tree(Vec::new(), &Before { is_test, ..before }, &mut module.uses);
                }
                Token::Word(word) if word == "mod" => {
                    before.is_test |= test_part.is_some();
                    self.declaration(before, module);
                }
                _ => {
                    if before.is_test && test_part.is_none() {
                        test_part = Some(TestPart { depth, is_item: starts_item(&token) });
                    }
                    match &token {
                        Token::Sign('{' | '(' | '[') => depth += 1,
                        Token::Sign('}') if depth == 0 => return,
                        Token::Sign('}' | ')' | ']') => depth = depth.saturating_sub(1),
                        Token::Word(word) if word == "macro_rules" && macro_depth.is_none() => {
                            self.word(word, depth, test_part.is_some(), module);
                            macro_depth = Some(depth);
                        }
                        Token::Word(word) if macro_depth.is_none() || word == "crate" => {
                            self.word(word, depth, test_part.is_some(), module);
                        }
                        _ => {}
                    }
                    if matches!(token, Token::Sign('}' | ')' | ']')) && macro_depth == Some(depth) {
                        macro_depth = None;
                    }
                    if test_part.as_ref().is_some_and(|part| part.ends_with(&token, depth)) {
                        test_part = None;
                    }
                }
            }
            before = Before::default();
        }
    }

    /// Reads `#[..]` or `#![..]`.
    fn attribute(&mut self, before: &mut Before, module: &mut Module) {
        let is_inner = self.sign(0) == Some('!');
        self.at += usize::from(is_inner);
        let begin = self.at;
        self.skip_group();
        let inside = &self.tokens[begin..self.at];
        let says = |word: &str| inside.iter().any(|token| matches!(token, Token::Word(other) if other == word));
        match inside.get(1) {
            Some(Token::Word(word)) if word == "cfg" && says("test") && !says("not") && !says("any") => {
                if is_inner {
                    module.is_test = true;
                } else {
                    before.is_test = true;
                }
            }
            Some(Token::Word(word)) if word == "path" => {
                if let Some(Token::Literal(path)) = inside.get(3) {
                    before.path = Some(path.clone());
                }
            }
            _ => {}
        }
    }

    /// Skips the `(crate)` of `pub(crate)`.
    fn visibility(&mut self) {
        if self.sign(0) == Some('(')
            && matches!(self.tokens.get(self.at + 1), Some(Token::Word(word)) if ["crate", "super", "self", "in"].contains(&word.as_str()))
        {
            self.skip_group();
        }
    }

    /// Skips from an opening sign to behind the one that closes it.
    fn skip_group(&mut self) {
        let mut depth = 0_usize;
        while let Some(token) = self.tokens.get(self.at) {
            self.at += 1;
            match token {
                Token::Sign('(' | '[' | '{') => depth += 1,
                Token::Sign(')' | ']' | '}') => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 {
                return;
            }
        }
    }

    /// Reads what follows `mod`.
    fn declaration(&mut self, before: Before, module: &mut Module) {
        let Some(Token::Word(name)) = self.tokens.get(self.at).cloned() else { return };
        self.at += 1;
        match self.sign(0) {
            Some('{') => {
                self.at += 1;
                let mut inner = Module { name, is_test: before.is_test, ..Module::default() };
                self.module(&mut inner);
                module.inline.push(inner);
            }
            _ => module.files.push(FileModule { name, path: before.path, is_test: before.is_test }),
        }
    }

    /// Reads one tree of a `use`, behind `prefix`, up to the comma, brace or semicolon that ends it.
    fn use_tree(&mut self, prefix: Vec<String>, before: &Before, uses: &mut Vec<Use>) {
        let mut path = prefix;
        let mut add = |path: Vec<String>, binds: Binds| {
            uses.push(Use { path, binds, is_public: before.is_public, is_test: before.is_test });
        };
        while let Some(token) = self.tokens.get(self.at).cloned() {
            match token {
                Token::Colons if path.is_empty() => path.push(String::new()),
                Token::Colons => {}
                Token::Word(word) if word == "as" => {
                    if let Some(Token::Word(name)) = self.tokens.get(self.at + 1).cloned() {
                        self.at += 2;
                        let binds = if name == "_" { Binds::Nothing } else { Binds::Name(name) };
                        return add(without_self(path), binds);
                    }
                }
                Token::Word(word) => path.push(word),
                Token::Sign('*') => {
                    self.at += 1;
                    return add(path, Binds::All);
                }
                Token::Sign('{') => {
                    self.at += 1;
                    while !matches!(self.sign(0), Some('}') | None) {
                        self.use_tree(path.clone(), before, uses);
                        self.at += usize::from(self.sign(0) == Some(','));
                    }
                    self.at += 1;
                    return;
                }
                Token::Sign(_) | Token::Literal(_) => break,
            }
            self.at += 1;
        }
        let path = without_self(path);
        if let Some(name) = path.last().cloned() {
            add(path, Binds::Name(name));
        }
    }

    /// A word in code: the name of a new item, or the first of a path.
    fn word(&mut self, word: &str, depth: usize, is_test: bool, module: &mut Module) {
        let follows = |offset: usize| self.tokens.get(self.at + offset);
        if depth == 0 {
            let name = match (word, follows(0), follows(1)) {
                ("macro_rules", Some(Token::Sign('!')), Some(Token::Word(name))) => Some(name),
                (
                    "struct" | "enum" | "union" | "trait" | "fn" | "type" | "const" | "static",
                    Some(Token::Word(name)),
                    _,
                ) => Some(name),
                _ => None,
            };
            module.defines.extend(name.cloned());
        }
        let behind = |back: usize| self.at.checked_sub(1 + back).and_then(|at| self.tokens.get(at));
        let is_field = behind(1) == Some(&Token::Sign('.')) && behind(2) != Some(&Token::Sign('.'));
        if is_field || behind(1) == Some(&Token::Colons) {
            return;
        }
        let mut path = vec![word.to_owned()];
        while let (Some(Token::Colons), Some(Token::Word(next))) =
            (self.tokens.get(self.at), self.tokens.get(self.at + 1))
        {
            path.push(next.clone());
            self.at += 2;
        }
        module.paths.insert((path, is_test));
    }

    /// The sign `offset` tokens ahead; a space when it is no sign, so that `None` is the end of the file alone.
    fn sign(&self, offset: usize) -> Option<char> {
        self.tokens.get(self.at + offset).map(|token| if let Token::Sign(sign) = token { *sign } else { ' ' })
    }
}

impl TestPart {
    fn ends_with(&self, token: &Token, depth: usize) -> bool {
        match token {
            Token::Sign('}') => depth <= self.depth,
            Token::Sign(';') => depth == self.depth,
            Token::Sign(',') => depth == self.depth && !self.is_item,
            _ => depth < self.depth,
        }
    }
}

/// `a::{self}` is `a`.
fn without_self(mut path: Vec<String>) -> Vec<String> {
    if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
        path.pop();
    }
    path
}

fn starts_item(token: &Token) -> bool {
    const ITEMS: [&str; 11] =
        ["fn", "impl", "struct", "enum", "trait", "const", "static", "type", "async", "unsafe", "extern"];
    matches!(token, Token::Word(word) if ITEMS.contains(&word.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uses(text: &str) -> Vec<String> {
        let shown = read(text).uses.into_iter().map(|used| {
            let binds = match used.binds {
                Binds::Name(name) => name,
                Binds::Nothing => "_".to_owned(),
                Binds::All => "*".to_owned(),
            };
            format!("{} = {}", binds, used.path.join("::"))
        });
        shown.collect()
    }

    fn paths(module: &Module, is_test: bool) -> Vec<String> {
        let paths = module.paths.iter().filter(|(path, test)| path.len() > 1 && *test == is_test);
        paths.map(|(path, _)| path.join("::")).collect()
    }

    #[test]
    fn lists_of_a_use_nest() {
        let text =
            "use crate::{a, b::{self, C as D, e::{F, *}}, g::Trait as _,}; use ::core::fmt; use super::super::h;";
        let expected = [
            "a = crate::a",
            "b = crate::b",
            "D = crate::b::C",
            "F = crate::b::e::F",
            "* = crate::b::e",
            "_ = crate::g::Trait",
            "fmt = ::core::fmt",
            "h = super::super::h",
        ];
        assert_eq!(uses(text), expected);
    }

    #[test]
    fn a_re_export_is_told_from_an_import() {
        let public: Vec<bool> =
            read("pub use a::B; pub(crate) use c::D; pub(in crate::x) use e::F; use g::H; pub fn f() { use i::J; }")
                .uses
                .iter()
                .map(|used| used.is_public)
                .collect();
        assert_eq!(public, [true, true, true, false, false]);
    }

    #[test]
    fn paths_begin_at_their_first_word() {
        let module = read(
            "fn f(x: crate::a::B) -> impl T + use<'_> { x.b::<C>(super::super::d::E::new()); 0..self::r#type::F; g!(crate::h::I) }",
        );
        assert_eq!(paths(&module, false), ["crate::a::B", "crate::h::I", "self::type::F", "super::super::d::E::new"]);
        assert!(module.defines.contains("f") && module.uses.is_empty());
        let unsaid = read("// crate::a::B\n/* crate::c::D */ fn f() { \"crate::e::F\"; }");
        assert_eq!(paths(&unsaid, false), [""; 0]);
    }

    #[test]
    fn a_macro_names_what_is_there_where_it_is_expanded() {
        let module = read("macro_rules! m { ($a:ident) => { $a!(b::c); $crate::d::e(); }; } fn f() { g::h(); }");
        assert_eq!(paths(&module, false), ["crate::d::e", "g::h"]);
        assert!(module.defines.contains("m"));
    }

    #[test]
    fn only_top_items_are_defined() {
        let module = read(
            "struct A; impl A { const B: u8 = 0; fn c() {} } const D: u8 = 0; macro_rules! e { () => {} } type F = u8;",
        );
        assert_eq!(module.defines.iter().collect::<Vec<_>>(), ["A", "D", "F", "e"]);
    }

    #[test]
    fn modules_are_read_with_path_and_tests() {
        let module = read(
            "mod a; #[path = \"b_tests.rs\"] #[cfg(test)] mod b; pub mod c { fn f() { super::d::e(); } mod g {} }\n\
             #[cfg(test)] mod h { use super::*; }",
        );
        let files: Vec<_> =
            module.files.iter().map(|file| (file.name.as_str(), file.path.as_deref(), file.is_test)).collect();
        assert_eq!(files, [("a", None, false), ("b", Some("b_tests.rs"), true)]);
        let inline: Vec<_> = module.inline.iter().map(|inner| (inner.name.as_str(), inner.is_test)).collect();
        assert_eq!(inline, [("c", false), ("h", true)]);
        assert_eq!(paths(&module.inline[0], false), ["super::d::e"]);
        assert_eq!(module.inline[0].inline[0].name, "g");
        assert!(read("#![cfg(test)] fn f() {}").is_test);
    }

    #[test]
    fn a_test_part_ends_where_its_item_ends() {
        let text = "#[cfg(test)] use a::B; #[cfg(test)] fn f<C, D>() { c::d(); } fn g() { e::f(); }\n\
            struct S { #[cfg(test)] h: i::J, k: l::M } #[cfg(not(test))] fn n() { o::p(); }\n\
            #[cfg(any(test, feature = \"x\"))] fn q() { r::s(); } #[cfg(test)] const T: [u::V; 2] = w::X; fn y() { z::a(); }";
        let module = read(text);
        assert_eq!(paths(&module, true), ["c::d", "i::J", "u::V", "w::X"]);
        assert_eq!(paths(&module, false), ["e::f", "l::M", "o::p", "r::s", "z::a"]);
        assert!(module.uses[0].is_test);
    }
}
