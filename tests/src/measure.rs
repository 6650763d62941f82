//! What a process tree costs, and what a list of samples amounts to.

use std::{collections::BTreeMap, fs};

use serde_json::{Value, json};

/// The value below which `share` (0 to 1) of the samples lie; `None` without samples.
pub fn percentile(samples: &[f64], share: f64) -> Option<f64> {
    let mut sorted: Vec<f64> = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let index = ((sorted.len().checked_sub(1)? as f64) * share).round() as usize;
    sorted.get(index).copied()
}

/// One reading of a process: its name, processor time in seconds, and proportional set size in MB.
#[derive(Clone, Debug)]
struct Reading {
    name: String,
    seconds: f64,
    megabytes: f64,
}

impl Reading {
    fn is_the_apps(&self) -> bool {
        ["visavis", "WebKitWebProces", "WebKitNetworkPr"].iter().any(|name| self.name.starts_with(name))
    }
}

/// A reading of a process and all its descendants.
pub struct Tree(BTreeMap<u32, Reading>);

impl Tree {
    /// Reads the tree below the process `top`, itself included.
    pub fn read(top: u32) -> Self {
        Self(ids_below(top).into_iter().filter_map(|id| Some((id, read(id)?))).collect())
    }

    /// The app's processes: name and proportional set size in MB.
    pub fn memory(&self) -> impl Iterator<Item = (&str, f64)> {
        self.0.values().filter(|reading| reading.is_the_apps()).map(|reading| (reading.name.as_str(), reading.megabytes))
    }

    /// What happened since `before`, `seconds` ago: per process of the app its cores and memory, and the sum.
    pub fn since(&self, before: &Self, seconds: f64) -> Value {
        let rows: Vec<(String, f64, f64)> = (self.0.iter())
            .filter(|(_, reading)| reading.is_the_apps())
            .map(|(id, now)| {
                let then = before.0.get(id).map_or(0.0, |r| r.seconds);
                (now.name.clone(), (now.seconds - then) / seconds, now.megabytes)
            })
            .collect();
        let (cores, memory) = rows.iter().fold((0.0, 0.0), |(c, m), row| (c + row.1, m + row.2));
        let processes: Vec<Value> =
            rows.into_iter().map(|(name, cores, mb)| json!({"name": name, "cores": round(cores), "pss_mb": round(mb)})).collect();
        json!({"cores": round(cores), "pss_mb": round(memory), "processes": processes})
    }
}

/// The process `top` and all below it, each with its name; those that have ended and wait to be missed are left out.
pub fn descendants(top: u32) -> Vec<(u32, String)> {
    let alive = |id: u32| stat(id).filter(|(_, fields)| fields.first().is_some_and(|state| state != "Z")).map(|(name, _)| (id, name));
    ids_below(top).into_iter().filter_map(alive).collect()
}

fn ids_below(top: u32) -> Vec<u32> {
    let parents: Vec<(u32, u32)> = processes().filter_map(|id| Some((id, parent(id)?))).collect();
    let (mut all, mut waiting) = (Vec::new(), vec![top]);
    while let Some(id) = waiting.pop() {
        all.push(id);
        waiting.extend(parents.iter().filter(|(_, p)| *p == id).map(|(child, _)| *child));
    }
    all
}

/// Three decimals are more than any of these figures deserve.
pub fn round(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

fn processes() -> impl Iterator<Item = u32> {
    fs::read_dir("/proc").into_iter().flatten().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

/// The fields of `/proc/ID/stat` behind the name, which may hold spaces.
fn stat(id: u32) -> Option<(String, Vec<String>)> {
    let text = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let (open, close) = (text.find('(')?, text.rfind(')')?);
    Some((text[open + 1..close].to_owned(), text[close + 1..].split_whitespace().map(str::to_owned).collect()))
}

fn parent(id: u32) -> Option<u32> {
    stat(id)?.1.get(1)?.parse().ok()
}

fn read(id: u32) -> Option<Reading> {
    /// `_SC_CLK_TCK`, 100 on every Linux that matters here.
    const TICKS: f64 = 100.0;
    let (name, fields) = stat(id)?;
    let ticks = |index: usize| fields.get(index).and_then(|text| text.parse::<f64>().ok());
    let seconds = (ticks(11)? + ticks(12)?) / TICKS;
    let rollup = fs::read_to_string(format!("/proc/{id}/smaps_rollup")).unwrap_or_default();
    let kilobytes = rollup
        .lines()
        .find_map(|line| line.strip_prefix("Pss:"))
        .and_then(|rest| rest.trim().strip_suffix(" kB")?.trim().parse::<f64>().ok());
    Some(Reading { name, seconds, megabytes: kilobytes.unwrap_or(0.0) / 1024.0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_sample() {
        let samples = [5.0, 1.0, 4.0, 2.0, 3.0];
        assert_eq!(percentile(&samples, 0.5), Some(3.0));
        assert_eq!(percentile(&samples, 0.95), Some(5.0));
        assert_eq!(percentile(&[], 0.5), None);
    }

    #[test]
    fn a_tree_holds_its_top() {
        let tree = Tree::read(std::process::id());
        assert!(tree.0.contains_key(&std::process::id()));
        assert!(descendants(std::process::id()).iter().any(|(id, _)| *id == std::process::id()));
    }
}
