//! Writes the seeds of a fuzz target into a folder, a file each; without a target, lists the targets. For `scripts/fuzz`.

use std::error::Error;
use std::path::PathBuf;

use belfry_tests::fuzzing::{TARGETS, target};
use clap::Parser;

/// Writes the seeds of a fuzz target.
#[derive(Debug, Parser)]
struct Arguments {
    /// The target; all are listed without one.
    target: Option<String>,
    /// Where to put the seeds.
    #[arg(default_value = ".")]
    folder: PathBuf,
}

fn main() -> Result<(), Box<dyn Error>> {
    let Arguments { target: name, folder } = Arguments::parse();
    let Some(name) = name else {
        TARGETS.iter().for_each(|target| println!("{}", target.name));
        return Ok(());
    };
    let target = target(&name).ok_or_else(|| format!("There is no target called {name}; without a target all are listed."))?;
    std::fs::create_dir_all(&folder)?;
    for (number, seed) in target.corpus().into_iter().enumerate() {
        std::fs::write(folder.join(format!("seed-{number:03}")), seed)?;
    }
    Ok(())
}
