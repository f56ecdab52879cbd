//! Until when the lease certainly stands.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A TTL after the newest acknowledged beat was *sent*, which is earlier than when it arrived. It
/// outlives streams, as the lease does; clones are one.
#[derive(Clone)]
pub struct LeaseWatch(Arc<Mutex<Known>>);

struct Known {
    ttl: Duration,
    newest: Instant,
    sent: BTreeMap<i64, Instant>,
}

impl LeaseWatch {
    pub fn new() -> Self {
        let known = Known { ttl: Duration::MAX, newest: Instant::now(), sent: BTreeMap::new() };
        Self(Arc::new(Mutex::new(known)))
    }

    /// Takes a lease that runs from a call that was sent then; its stream counts beats anew.
    pub fn granted(&self, ttl: Duration, sent: Instant) {
        let mut known = self.0.lock().expect("no holder panics");
        *known = Known { ttl, newest: sent, sent: BTreeMap::new() };
    }

    pub fn sending(&self, seq: i64) {
        self.0.lock().expect("no holder panics").sent.insert(seq, Instant::now());
    }

    pub fn acknowledged(&self, seq: i64) {
        let mut known = self.0.lock().expect("no holder panics");
        let later = known.sent.split_off(&(seq + 1));
        let arrived = std::mem::replace(&mut known.sent, later);
        if let Some(newest) = arrived.into_values().max() {
            known.newest = known.newest.max(newest);
        }
    }

    pub fn lost(&self) -> bool {
        let known = self.0.lock().expect("no holder panics");
        known.newest.elapsed() >= known.ttl
    }
}
