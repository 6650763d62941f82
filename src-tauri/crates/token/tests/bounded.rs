//! However much a token promises, verifying it takes little memory. One test, since it counts the whole process's.

#![allow(clippy::unwrap_used, reason = "a test's panic is its failure")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    io::Write,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use flate2::{Compression, write::ZlibEncoder};
use token::{Claim, Credentials, MOST_INFLATED, MOST_TEXT, verify};

/// The system's allocator, with what is allocated now and the most since [`peak`] began.
struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        MOST.fetch_max(NOW.fetch_add(layout.size(), Relaxed) + layout.size(), Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The most bytes that were allocated at a time during a call, beyond what was before it.
fn peak(call: impl FnOnce()) -> usize {
    let before = NOW.load(Relaxed);
    MOST.store(before, Relaxed);
    call();
    MOST.load(Relaxed) - before
}

/// Zlib data of so many zeros.
fn bomb(bytes: usize) -> Vec<u8> {
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::best());
    (0..bytes / 4096).for_each(|_| zlib.write_all(&[0; 4096]).unwrap());
    zlib.finish().unwrap()
}

#[test]
fn a_bomb_a_torn_and_an_endless_token_are_refused_in_little_space() {
    let credentials = Credentials::new(&"0".repeat(32), &"1".repeat(32)).unwrap();
    let refused =
        |token: &str| peak(|| assert!(verify(token, &credentials, Claim { channel: "demo", uid: Some("7") }, 1_800_000_000).is_err()));
    let token = |zlib: &[u8]| format!("007{}", STANDARD.encode(zlib));
    // The longest text that is looked at holds some 6 KiB of zlib data, which can promise 6 MiB.
    let largest = token(&bomb(6 << 20));
    assert!((6 * 1024..MOST_TEXT).contains(&largest.len()), "{}", largest.len());
    let limit = 8 * MOST_INFLATED;
    for (what, token) in [
        ("a bomb of 6 MiB", largest.clone()),
        ("a torn one", largest[..largest.len() / 2].to_owned()),
        ("one of 64 MiB, longer than any token", token(&bomb(64 << 20))),
        ("text without end", format!("007{}", "A".repeat(64 << 20))),
        ("the same of 006", format!("006{}", "A".repeat(64 << 20))),
    ] {
        let peak = refused(&token);
        println!("{what}: {peak} bytes");
        assert!(peak <= limit, "{what} took {peak} bytes");
    }
}
