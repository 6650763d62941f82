//! The tools of the command line, as a shell runs them.

#![allow(clippy::unwrap_used, reason = "a test's panic is its failure")]

mod support;

use std::process::{Command, Output};

use serde_json::Value;
use support::folder::Folder;

const APP_ID: &str = "970CA35de60c44645bbae8a215061b33";
const CERTIFICATE: &str = "5CFd2fd1755d40ecb72977518be15d3b";

fn run(folder: &Folder, line: &str, environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_channel-server"));
    command.env_remove("VISAVIS_CERTIFICATE").env("VISAVIS_PROJECTS", folder.store().path());
    command.envs(environment.iter().copied()).args(line.split_whitespace()).output().unwrap()
}

/// What a command that succeeds prints.
fn said(folder: &Folder, line: &str) -> String {
    let output = run(folder, line, &[]);
    assert!(output.status.success(), "{line}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The exit code and the complaint of one that fails.
fn failed(folder: &Folder, line: &str) -> (i32, String) {
    let output = run(folder, line, &[]);
    assert!(!output.status.success(), "{line}: {output:?}");
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn a_project_is_made_listed_changed_and_shown() {
    let folder = Folder::new();
    let made = json(&said(&folder, "project new --name Lessons --with-certificate --json"));
    let (app_id, certificate) = (made["app_id"].as_str().unwrap(), made["certificate"].as_str().unwrap());
    let list = said(&folder, "project list");
    assert!(list.contains(app_id) && list.contains("Lessons") && !list.contains(certificate), "{list}");
    assert_eq!(json(&said(&folder, "project list --json"))[0]["has_certificate"], true);
    let beginning = &app_id[..6];
    assert!(!said(&folder, &format!("project show {beginning}")).contains(certificate));
    assert!(said(&folder, &format!("project show {beginning} --certificate")).contains(certificate));
    said(&folder, &format!("project disable {beginning}"));
    said(&folder, &format!("project rename {beginning} Maths"));
    let shown = json(&said(&folder, &format!("project show {app_id} --json")));
    assert_eq!((&shown["enabled"], &shown["name"]), (&false.into(), &"Maths".into()));
    said(&folder, &format!("project enable {app_id}"));
    assert_eq!(said(&folder, &format!("project certificate {app_id}")).trim(), certificate);
    let other = said(&folder, &format!("project certificate {app_id} --new"));
    assert_ne!(other.trim(), certificate);
    said(&folder, &format!("project certificate {app_id} --off"));
    assert!(failed(&folder, &format!("project certificate {app_id}")).1.contains("--new"));
}

#[test]
fn a_slip_is_told_and_changes_nothing() {
    let folder = Folder::new();
    assert!(failed(&folder, "project list").1.contains("project new"));
    assert!(failed(&folder, "project disable 97").1.contains("there is no projects file"));
    assert!(!folder.store().path().exists());
    said(&folder, "project new");
    said(&folder, "project new");
    assert!(failed(&folder, "project show zz").1.contains("project list"));
    assert!(failed(&folder, "project certificate aa --new --off").0 == 2);
    std::fs::write(folder.store().path(), "[[project]]\napp_id = 7\n").unwrap();
    assert!(failed(&folder, "project new").1.contains("line 2: app_id"));
}

#[test]
fn a_token_is_made_from_the_file_and_examined() {
    let folder = Folder::new();
    let app_id = json(&said(&folder, "project new --with-certificate --json"))["app_id"].as_str().unwrap().to_owned();
    for version in ["006", "007"] {
        let call = format!("--app-id {} --channel demo", &app_id[..8]);
        let token = said(&folder, &format!("token new {call} --uid 7 --role subscriber --expire 60 --version {version}"));
        let report = json(&said(&folder, &format!("token inspect {} {call} --uid 7", token.trim())));
        assert_eq!((&report["valid"], &report["code"], &report["version"]), (&true.into(), &Value::Null, &version.into()));
        assert!(report["privileges"]["join_channel"].is_u64() && report["privileges"]["publish_video"].is_null());
        let other = run(&folder, &format!("token inspect {} {call} --uid 8", token.trim()), &[]);
        assert_eq!(other.status.code(), Some(1));
        assert_eq!(json(std::str::from_utf8(&other.stdout).unwrap())["code"], "NO_AUTHORIZED");
        let account = said(&folder, &format!("token new {call} --account ann --version {version}"));
        said(&folder, &format!("token inspect {} {call} --account ann", account.trim()));
        let anyone = said(&folder, &format!("token new {call} --uid 0 --version {version}"));
        said(&folder, &format!("token inspect {} {call} --uid 9", anyone.trim()));
    }
    for usage in ["token inspect x", "token inspect x --app-id ffffffff --channel demo", "token inspect x --app-id f --channel a/b"] {
        assert_eq!(failed(&folder, usage).0, 2, "{usage}");
    }
}

#[test]
fn a_certificate_comes_from_the_environment_and_is_not_shown_in_the_help() {
    let folder = Folder::new();
    let environment = [("VISAVIS_CERTIFICATE", CERTIFICATE)];
    let vector = "007eJxTYBBbsMMnKq7p9Hf/HcIX5kce9b518kCiQgSr5Zrp4X1Tu6UUGCzNDZwdjU1TUs0Mkk1MzExMk5ISUy0SjQxNDcwMk4yN3b8IMEQwMTAwMoAwBIL4CgzmKeZGxmamqUmWFsYmFqbGluapxqnGaZYpJmYGSSkpiVwMRhYWRsYmhkbmxgDCaiTj";
    let line = format!("token inspect {vector} --app-id {APP_ID} --channel 7d72365eb983485397e3e3f9d460bdda --uid 2882341273");
    let output = run(&folder, &line, &environment);
    let report = json(std::str::from_utf8(&output.stdout).unwrap());
    assert_eq!((output.status.code(), &report["code"], &report["expires_at"]), (Some(1), &"DYNAMIC_KEY_EXPIRED".into(), &1_111_711.into()));
    let help = run(&folder, "token new --help", &environment);
    assert!(help.status.success() && !String::from_utf8(help.stdout).unwrap().contains(CERTIFICATE));
}

#[test]
fn without_a_command_it_is_the_service() {
    let folder = Folder::new();
    for line in ["--print-config --listen 127.0.0.1:1", "serve --print-config --listen 127.0.0.1:1"] {
        assert!(said(&folder, line).contains("127.0.0.1:1"), "{line}");
    }
    let (code, complaint) = failed(&folder, "--listen 127.0.0.1:0");
    assert!(code == 1 && complaint.contains("there is no projects file"), "{complaint}");
}
