//! Circles: files that import from each other, so that none can be read, tested or moved alone.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Who imports from whom, by name.
pub(super) type Graph = BTreeMap<String, BTreeSet<String>>;

/// For every import that lies on a circle, the shortest circle that it lies on; each once, from its first name on.
///
/// Files that are tangled have more circles than anybody wants to read. These hold every import that is at fault: when
/// none of them is left, none is left at all, and a new import between tangled files makes a new one.
pub(super) fn circles(graph: &Graph) -> BTreeSet<Vec<String>> {
    let imports = graph.iter().flat_map(|(from, all)| all.iter().map(move |to| (from, to)));
    imports.filter_map(|(from, to)| way(graph, to, from)).map(from_the_first).collect()
}

/// The shortest way from one name to another; the first by name among several.
fn way(graph: &Graph, from: &str, to: &str) -> Option<Vec<String>> {
    let mut came_from: BTreeMap<&str, &str> = BTreeMap::new();
    let mut queue = VecDeque::from([from]);
    while let Some(at) = queue.pop_front() {
        if at == to {
            let mut way = vec![at.to_owned()];
            let mut back = at;
            while back != from {
                back = came_from[back];
                way.push(back.to_owned());
            }
            way.reverse();
            return Some(way);
        }
        for next in graph.get(at).into_iter().flatten() {
            if next != from && !came_from.contains_key(next.as_str()) {
                came_from.insert(next, at);
                queue.push_back(next);
            }
        }
    }
    None
}

/// A circle has no beginning: let it be the first name.
fn from_the_first(mut circle: Vec<String>) -> Vec<String> {
    let first = circle.iter().enumerate().min_by_key(|(_, name)| *name).map_or(0, |(at, _)| at);
    circle.rotate_left(first);
    circle
}

/// Circles of one crate that are known, and why they are still there.
#[derive(Debug)]
pub(super) struct Known {
    /// The crate.
    pub package: &'static str,
    /// Why they are there.
    pub reason: &'static str,
    /// Files below the crate's folder, joined by [`ARROW`]. The last imports from the first.
    pub circles: &'static [&'static str],
}

/// Joins the files of a circle.
const ARROW: &str = " -> ";

/// What is wrong with one crate: circles with an import that is in no known circle, and known circles that are gone.
pub(super) fn check(package: &str, graph: &Graph, found: &BTreeSet<Vec<String>>, known: &[Known]) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut known_imports = BTreeSet::new();
    for circle in known.iter().filter(|known| known.package == package).flat_map(|known| known.circles) {
        let names: Vec<&str> = circle.split(ARROW).collect();
        if imports(&names).all(|(from, to)| graph.get(from).is_some_and(|all| all.contains(to))) {
            known_imports.extend(imports(&names));
        } else {
            wrong.push(format!("{package}: this circle is gone, take it out of KNOWN_CIRCLES: {circle}"));
        }
    }
    // One new import may close dozens: of those that share one, the shortest says enough.
    let mut shortest_first: Vec<&Vec<String>> = found.iter().collect();
    shortest_first.sort_by_key(|circle| circle.len());
    let mut named = BTreeSet::new();
    for circle in shortest_first {
        let names: Vec<&str> = circle.iter().map(String::as_str).collect();
        let new: Vec<_> = imports(&names).filter(|import| !known_imports.contains(import)).collect();
        if !new.is_empty() && new.iter().all(|import| !named.contains(import)) {
            wrong.push(format!("{package}: these files import in a circle: {}", names.join(ARROW)));
            named.extend(new);
        }
    }
    wrong
}

/// Each name with the one after it, the last with the first.
fn imports<'a>(circle: &[&'a str]) -> impl Iterator<Item = (&'a str, &'a str)> {
    circle.iter().copied().zip(circle.iter().copied().cycle().skip(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(imports: &[(&str, &str)]) -> Graph {
        let mut graph = Graph::new();
        for (from, to) in imports {
            graph.entry((*from).to_owned()).or_default().insert((*to).to_owned());
        }
        graph
    }

    fn shown(imports: &[(&str, &str)]) -> Vec<String> {
        circles(&graph(imports)).into_iter().map(|circle| circle.join(ARROW)).collect()
    }

    #[test]
    fn a_circle_is_named_once() {
        assert_eq!(shown(&[("a", "b"), ("b", "c"), ("a", "c")]), [""; 0]);
        assert_eq!(shown(&[("c", "b"), ("b", "a"), ("a", "c"), ("a", "d"), ("e", "a")]), ["a -> c -> b"]);
        assert_eq!(shown(&[("a", "b"), ("b", "a"), ("b", "c"), ("c", "b")]), ["a -> b", "b -> c"]);
    }

    #[test]
    fn every_import_of_a_tangle_is_in_a_circle() {
        let tangle = [("a", "b"), ("b", "a"), ("b", "c"), ("c", "a"), ("a", "c")];
        assert_eq!(shown(&tangle), ["a -> b", "a -> b -> c", "a -> c"]);
    }

    #[test]
    fn known_circles_pass_and_new_ones_and_lost_ones_do_not() {
        let known = [Known { package: "p", reason: "", circles: &["a -> b", "a -> b -> c"] }];
        let wrong = |package: &str, imports: &[(&str, &str)]| {
            let graph = graph(imports);
            check(package, &graph, &circles(&graph), &known)
        };
        let old = [("a", "b"), ("b", "a"), ("b", "c"), ("c", "a")];
        assert_eq!(wrong("p", &old), [""; 0]);
        let unknown = "q: these files import in a circle: a -> b";
        assert_eq!(wrong("q", &old), [unknown], "known in one crate is not known in another");
        assert_eq!(wrong("p", &[&old[..], &[("c", "b")]].concat()), ["p: these files import in a circle: b -> c"]);
        let gone = "p: this circle is gone, take it out of KNOWN_CIRCLES: a -> b";
        assert_eq!(wrong("p", &[("a", "b"), ("b", "c"), ("c", "a")]), [gone]);
    }
}
