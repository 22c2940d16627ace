//! What cargo-mutants wants changed.

use std::{collections::BTreeMap, error::Error};

use serde_json::Value;

#[derive(Clone, Copy, PartialEq)]
pub enum Genre {
    /// A function returns at once.
    FnValue,
    /// An operator is another one, or gone; a field is left to the struct's base.
    Expression,
    /// A match arm's guard always holds, or never.
    Guard,
    /// A match arm is gone.
    Arm,
}

/// A line and a column, both from one; columns count characters.
pub type Position = (usize, usize);

#[derive(Clone)]
pub struct Change {
    pub number: usize,
    pub genre: Genre,
    pub start: Position,
    pub end: Position,
    pub replacement: String,
    pub returns: String,
}

/// The changes by file.
pub fn read(json: &str) -> Result<BTreeMap<String, Vec<Change>>, Box<dyn Error>> {
    let mut files: BTreeMap<String, Vec<Change>> = BTreeMap::new();
    let listed: Vec<Value> = serde_json::from_str(json)?;
    for (index, change) in listed.iter().enumerate() {
        let genre = match text(&change["genre"])? {
            "FnValue" => Genre::FnValue,
            "BinaryOperator" | "UnaryOperator" | "StructField" => Genre::Expression,
            "MatchArmGuard" => Genre::Guard,
            "MatchArm" => Genre::Arm,
            other => return Err(format!("no such genre is known: {other}").into()),
        };
        files.entry(text(&change["file"])?.to_owned()).or_default().push(Change {
            number: index + 1,
            genre,
            start: position(&change["span"]["start"])?,
            end: position(&change["span"]["end"])?,
            replacement: text(&change["replacement"])?.to_owned(),
            returns: change["function"]["return_type"].as_str().unwrap_or_default().to_owned(),
        });
    }
    Ok(files)
}

fn text(value: &Value) -> Result<&str, String> {
    value.as_str().ok_or_else(|| format!("a text was expected: {value}"))
}

fn position(value: &Value) -> Result<Position, String> {
    let number = |name: &str| value[name].as_u64().map(|number| number as usize).ok_or_else(|| format!("a position was expected: {value}"));
    Ok((number("line")?, number("column")?))
}
