//! Puts all changes that `cargo mutants --list --json` names into one copy of the sources, each behind a switch that is read at run
//! time: the copy is built once, and a test run is told by a number in its environment which one thing is to be different.
//!
//!     belfry-mutants MUTANTS.json SOURCES COPY LEFT_OUT.json PLACES.json
//!
//! `MUTANTS.json` is what cargo-mutants printed; a change's number is its place in that list, beginning with one. `LEFT_OUT.json` is a
//! list of numbers: changes that do not compile. `PLACES.json` is written: where in the copy which change stands, so that a message of
//! the compiler can be traced to a change, and which changes found no place, with the reason.

mod changes;
mod places;
mod sites;
mod text;

use std::{collections::BTreeSet, error::Error, fs, path::Path};

/// What is added to each changed crate.
const SWITCH: &str = include_str!("mutant_switch.rs");

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [mutants, sources, copy, left_out, written] = arguments.as_slice() else {
        return Err("belfry-mutants MUTANTS.json SOURCES COPY LEFT_OUT.json PLACES.json".into());
    };
    let (sources, copy) = (Path::new(sources), Path::new(copy));
    let left_out: BTreeSet<usize> = serde_json::from_str(&fs::read_to_string(left_out)?)?;
    let changes = changes::read(&fs::read_to_string(mutants)?)?;

    let mut places = places::Places::default();
    for (file, changes) in &changes {
        let source = fs::read_to_string(sources.join(file))?;
        let changes: Vec<_> = changes.iter().filter(|change| !left_out.contains(&change.number)).cloned().collect();
        let sites = sites::find(&source, &changes, &mut places).map_err(|e| format!("{file}: {e}"))?;
        let switched = text::switch(file, &source, &sites, &mut places);
        write_if_different(&copy.join(file), &switched)?;
    }
    let crates: BTreeSet<&str> = changes.keys().filter_map(|file| file.split_once("/src/")).map(|(name, _)| name).collect();
    for name in crates {
        write_if_different(&copy.join(name).join("src/mutant_switch.rs"), SWITCH)?;
        let lib = format!("{name}/src/lib.rs");
        let source = fs::read_to_string(sources.join(&lib))?;
        write_if_different(&copy.join(&lib), &with_switch(&source))?;
    }
    fs::write(written, places.to_json())?;
    Ok(())
}

/// A crate's root with the switch in it. What cargo-mutants puts in place of a function's value needs the standard library's prelude;
/// lints are not what the copy is for.
fn with_switch(source: &str) -> String {
    let mut lines: Vec<&str> = source.lines().filter(|line| line.trim() != "#![no_std]").collect();
    let first = lines.iter().position(|line| !line.starts_with("//!")).unwrap_or(0);
    lines.insert(first, "#![feature(core_intrinsics, const_eval_select)]\n#![allow(warnings, arithmetic_overflow, unconditional_panic)]");
    lines.push("#[doc(hidden)]\n#[allow(unsafe_code)]\npub mod mutant_switch;\n");
    lines.join("\n")
}

/// What did not change keeps its time, so that cargo builds no more than it must.
fn write_if_different(path: &Path, text: &str) -> std::io::Result<()> {
    if fs::read_to_string(path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, text)
}
