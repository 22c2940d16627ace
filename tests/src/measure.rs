//! How the benchmarks measure: CPU time of the thread, several repetitions, the median with the extremes beside it.
//!
//! Not the wall clock: the machine has other work, which makes everything late but nothing more expensive.

use std::time::Duration;

/// Measured repetitions; one more goes before them and does not count.
const REPETITIONS: usize = 7;

/// What the calling thread has used of a processor so far; the time of day where the system does not say.
pub fn thread_cpu() -> Duration {
    #[cfg(unix)]
    {
        let clock = nix::time::ClockId::CLOCK_THREAD_CPUTIME_ID;
        clock.now().expect("every thread has a clock").into()
    }
    #[cfg(not(unix))]
    {
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default()
    }
}

/// What this thread uses for `work`.
pub fn cpu_of<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let before = thread_cpu();
    let result = work();
    (thread_cpu().saturating_sub(before), result)
}

/// Does `work` where `scripts/count-instructions` counts: it looks for this function's name. Else just does it.
pub fn metered<T>(is_counted: bool, work: impl FnOnce() -> T) -> T {
    if is_counted { counted(work) } else { work() }
}

/// What happens inside is counted, and nothing else.
#[inline(never)]
fn counted<T>(work: impl FnOnce() -> T) -> T {
    work()
}

/// The middle one of several measurements, and the extremes.
#[derive(Clone, Copy, Debug)]
pub struct Figure {
    /// Half of the measurements were below.
    pub median: f64,
    /// The smallest.
    pub least: f64,
    /// The largest.
    pub most: f64,
}

impl Figure {
    /// The figure of these measurements, at least one.
    pub fn of(mut measured: Vec<f64>) -> Self {
        measured.sort_by(f64::total_cmp);
        Self { median: measured[measured.len() / 2], least: measured[0], most: measured[measured.len() - 1] }
    }
}

/// Repeats `run`, which does `operations` operations and says what each of several parties used for them, and prints one line a party.
pub fn table<const PARTIES: usize>(
    names: [&str; PARTIES],
    operations: usize,
    mut run: impl FnMut() -> [Duration; PARTIES],
) -> [Figure; PARTIES] {
    run();
    let mut measured = [const { Vec::new() }; PARTIES];
    for _ in 0..REPETITIONS {
        for (measured, used) in measured.iter_mut().zip(run()) {
            measured.push(used.as_secs_f64() * 1e9 / operations as f64);
        }
    }
    let figures = measured.map(Figure::of);
    for (name, figure) in names.iter().zip(&figures) {
        line(name, figure);
    }
    figures
}

/// [`table`] with one party.
pub fn row(name: &str, operations: usize, mut run: impl FnMut()) -> Figure {
    let [figure] = table([name], operations, || [cpu_of(&mut run).0]);
    figure
}

/// The heading of a list of [`row`]s and [`table`]s.
pub fn heading(title: &str) {
    println!("\n{title:<66} {:>10} {:>10} {:>10} {:>13}", "ns CPU", "least", "most", "per core·s");
}

/// Prints one line below a [`heading`].
fn line(name: &str, figure: &Figure) {
    let Figure { median, least, most } = figure;
    println!("{name:<66} {median:>10.1} {least:>10.1} {most:>10.1} {:>13.0}", 1e9 / median);
}
