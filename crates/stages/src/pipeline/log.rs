//! Writes events and the final report as lines of JSON, to any text writer.

use core::fmt::{self, Display, Write};

use super::{ControlFlow, Histogram, PipelineEvent, PipelineReport, StageProgress};
use sync_core::time::Instant;

/// Writes one JSON object per line: `{"at_us":1250,"event":"ran","stage":"headers",...}`.
#[derive(Debug)]
pub struct EventLog<W> {
    out: W,
}

impl<W: Write> EventLog<W> {
    /// A log that writes to `out`.
    pub fn new(out: W) -> Self {
        Self { out }
    }

    /// Returns the writer.
    pub fn into_inner(self) -> W {
        self.out
    }

    /// Writes one event as one line; an event of several stages as one line each.
    pub fn event(&mut self, now: Instant, event: &PipelineEvent) -> fmt::Result {
        match event {
            PipelineEvent::Prepare { stage, place, checkpoint, target } => self.line(now, "prepare", |line| {
                line.text("stage", stage)?;
                line.number("place", Some(place.0 as u64))?;
                line.number("places", Some(place.1 as u64))?;
                line.number("checkpoint", *checkpoint)?;
                line.number("target", *target)
            }),
            PipelineEvent::Waiting { stage } => self.line(now, "waiting", |line| line.text("stage", stage)),
            PipelineEvent::Run { stage, checkpoint } => self.line(now, "run", |line| {
                line.text("stage", stage)?;
                line.number("checkpoint", *checkpoint)
            }),
            PipelineEvent::Ran { stage, checkpoint, done } => self.line(now, "ran", |line| {
                line.text("stage", stage)?;
                line.number("checkpoint", *checkpoint)?;
                line.raw("done", done)
            }),
            PipelineEvent::Skipped { stage, checkpoint } => self.line(now, "skipped", |line| {
                line.text("stage", stage)?;
                line.number("checkpoint", *checkpoint)
            }),
            PipelineEvent::Unwind { stage, checkpoint, to, bad_block } => self.line(now, "unwind", |line| {
                line.text("stage", stage)?;
                line.number("checkpoint", *checkpoint)?;
                line.number("to", Some(*to))?;
                line.number("bad_block", bad_block.map(|block| block.number))
            }),
            PipelineEvent::Unwound { stage, checkpoint } => self.line(now, "unwound", |line| {
                line.text("stage", stage)?;
                line.number("checkpoint", *checkpoint)
            }),
            PipelineEvent::Error { stage, error, retry_in } => self.line(now, "error", |line| {
                line.text("stage", stage)?;
                line.text("error", error)?;
                line.number("retry_in_us", retry_in.map(|pause| pause.as_micros() as u64))
            }),
            PipelineEvent::Pass(flow) => self.line(now, "pass", |line| flow_fields(line, flow)),
            PipelineEvent::Progress(stages) => {
                stages.iter().try_for_each(|stage| self.line(now, "progress", |line| progress_fields(line, stage)))
            }
        }
    }

    /// Writes the final report: a line for each stage, then one for the whole.
    pub fn report(&mut self, now: Instant, report: &PipelineReport) -> fmt::Result {
        for stage in &report.stages {
            self.line(now, "report", |line| {
                line.text("stage", &stage.stage)?;
                for (name, value) in [
                    ("blocks", stage.blocks),
                    ("blocks_unwound", stage.blocks_unwound),
                    ("runs", stage.runs),
                    ("unwinds", stage.unwinds),
                    ("errors", stage.errors),
                    ("retries", stage.retries),
                    ("busy_us", stage.busy.as_micros() as u64),
                ] {
                    line.number(name, Some(value))?;
                }
                line.number("mean_per_second", stage.mean_per_second().map(|rate| rate as u64))?;
                line.percentiles("blocks_per_second", &stage.blocks_per_second)?;
                line.percentiles("commit_us", &stage.commit_micros)
            })?;
        }
        self.line(now, "end", |line| line.number("elapsed_us", Some(report.elapsed.as_micros() as u64)))
    }

    fn line(&mut self, now: Instant, event: &str, fields: impl FnOnce(&mut Line<'_, W>) -> fmt::Result) -> fmt::Result {
        write!(self.out, "{{\"at_us\":{}", now.since_start().as_micros())?;
        let mut line = Line { out: &mut self.out };
        line.text("event", &event)?;
        fields(&mut line)?;
        self.out.write_str("}\n")
    }
}

fn flow_fields<W: Write>(line: &mut Line<'_, W>, flow: &ControlFlow) -> fmt::Result {
    match flow {
        ControlFlow::Continue { block } => {
            line.text("flow", &"continue")?;
            line.number("block", *block)
        }
        ControlFlow::NoProgress { block } => {
            line.text("flow", &"no_progress")?;
            line.number("block", *block)
        }
        ControlFlow::Unwind { to, bad_block } => {
            line.text("flow", &"unwind")?;
            line.number("to", Some(*to))?;
            line.number("bad_block", bad_block.map(|block| block.number))
        }
        ControlFlow::Finished { block } => {
            line.text("flow", &"finished")?;
            line.number("block", Some(*block))
        }
        ControlFlow::Shutdown => line.text("flow", &"shutdown"),
    }
}

fn progress_fields<W: Write>(line: &mut Line<'_, W>, stage: &StageProgress) -> fmt::Result {
    line.text("stage", &stage.stage)?;
    line.number("block", stage.block)?;
    line.number("processed", Some(stage.processed))?;
    line.number("total", Some(stage.total))?;
    line.raw("per_second", &format_args!("{:.1}", stage.per_second))?;
    line.number("eta_us", stage.eta.map(|eta| eta.as_micros() as u64))
}

struct Line<'a, W> {
    out: &'a mut W,
}

impl<W: Write> Line<'_, W> {
    fn raw(&mut self, name: &str, value: &impl Display) -> fmt::Result {
        write!(self.out, ",\"{name}\":{value}")
    }

    fn number(&mut self, name: &str, value: Option<u64>) -> fmt::Result {
        match value {
            Some(value) => self.raw(name, &value),
            None => self.raw(name, &"null"),
        }
    }

    fn percentiles(&mut self, name: &str, histogram: &Histogram) -> fmt::Result {
        write!(self.out, ",\"{name}\":{{\"count\":{},\"max\":{}", histogram.count(), histogram.max())?;
        for percent in [1, 10, 50, 90, 99] {
            write!(self.out, ",\"p{percent}\":{}", histogram.percentile(percent))?;
        }
        self.out.write_char('}')
    }

    /// Writes a string field, escaped: messages of a store or a stage may hold any text.
    fn text(&mut self, name: &str, value: &impl Display) -> fmt::Result {
        write!(self.out, ",\"{name}\":\"")?;
        write!(Escaped(self.out), "{value}")?;
        self.out.write_char('"')
    }
}

/// Escapes the characters that a JSON string must not contain.
struct Escaped<'a, W>(&'a mut W);

impl<W: Write> Write for Escaped<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            match character {
                '"' | '\\' => write!(self.0, "\\{character}")?,
                control if u32::from(control) < 0x20 => write!(self.0, "\\u{:04x}", u32::from(control))?,
                plain => self.0.write_char(plain)?,
            }
        }
        Ok(())
    }
}
