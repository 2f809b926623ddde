// Threads, channels, locks, scoped threads, a caught panic, files: Rust's std.
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::sync::{mpsc, Arc, Barrier, Condvar, Mutex, RwLock};
use std::thread;
use std::time::{Duration, Instant};

fn channels() -> u64 {
    let (tx, rx) = mpsc::channel();
    for i in 0..8u64 {
        let tx = tx.clone();
        thread::spawn(move || {
            for j in 0..500 {
                tx.send(i * j).unwrap();
            }
        });
    }
    drop(tx);
    rx.iter().sum()
}

fn locks() -> (u32, usize) {
    let count = Arc::new(Mutex::new(0));
    let map = Arc::new(RwLock::new(BTreeMap::new()));
    let barrier = Arc::new(Barrier::new(6));
    let threads: Vec<_> = (0..6)
        .map(|i| {
            let (count, map, barrier) = (count.clone(), map.clone(), barrier.clone());
            thread::Builder::new()
                .name(format!("worker-{}", i))
                .spawn(move || {
                    barrier.wait();
                    for j in 0..1000 {
                        *count.lock().unwrap() += 1;
                        map.write().unwrap().insert((i * j) % 331, i);
                    }
                })
                .unwrap()
        })
        .collect();
    for t in threads {
        t.join().unwrap();
    }
    let n = *count.lock().unwrap();
    let m = map.read().unwrap().len();
    (n, m)
}

fn timed_wait() -> bool {
    let pair = (Mutex::new(false), Condvar::new());
    let start = Instant::now();
    let guard = pair.0.lock().unwrap();
    let (_guard, result) = pair.1.wait_timeout(guard, Duration::from_millis(30)).unwrap();
    result.timed_out() && start.elapsed() >= Duration::from_millis(29)
}

fn main() -> std::io::Result<()> {
    println!("channels {}", channels());
    println!("locks {:?}", locks());
    println!("timed wait {}", timed_wait());
    let caught = thread::spawn(|| {
        if std::env::args().count() > 0 {
            panic!("in a thread");
        }
    })
    .join();
    println!("panic caught: {}", caught.is_err());
    let mut parts = vec![0u64; 4];
    thread::scope(|s| {
        for (i, p) in parts.iter_mut().enumerate() {
            s.spawn(move || *p = (0..100_000u64).filter(|n| n % 4 == i as u64).sum());
        }
    });
    println!("scoped {:?}", parts);
    let path = std::env::temp_dir().join("rust-test");
    std::fs::File::create(&path)?.write_all(b"written by rust")?;
    let mut text = String::new();
    std::fs::File::open(&path)?.read_to_string(&mut text)?;
    std::fs::remove_file(&path)?;
    println!("{} {:?}", text, std::fs::metadata("/nonexistent").map_err(|e| e.kind()).err());
    eprintln!("to stderr");
    std::process::exit(9)
}
