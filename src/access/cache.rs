//! Tokens whose signature was right, by their hash, for a while.
//!
//! A token comes with each request for an hour, and its signature costs more than everything else
//! of its examination. Only tokens that were accepted are remembered, so nobody can fill the
//! memory who has no valid ones, and the text of none is kept.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use aws_lc_rs::digest;

use super::{caller::Caller, key::Key};

/// The hash of a token.
pub(super) type TokenHash = [u8; 32];

/// Remembered tokens. Sync; a look-up takes one short lock out of several.
#[derive(Default)]
pub(super) struct TokenCache {
    shards: [Mutex<Shard>; SHARDS],
}

/// Entries that were used since the last turn, and those of the turn before.
#[derive(Default)]
struct Shard {
    young: HashMap<TokenHash, Entry>,
    old: HashMap<TokenHash, Entry>,
}

struct Entry {
    caller: Arc<Caller>,
    key: Arc<Key>,
    /// In seconds since 1970, exclusive.
    until: i64,
}

/// The hash that stands for a token.
pub(super) fn hash(token: &[u8]) -> TokenHash {
    let mut hash = TokenHash::default();
    hash.copy_from_slice(digest::digest(&digest::SHA256, token).as_ref());
    hash
}

impl TokenCache {
    /// Whose token it is, if it was accepted lately and its key is still published.
    pub(super) fn find(&self, hash: &TokenHash, now: i64) -> Option<Arc<Caller>> {
        let mut shard = self.shard(hash);
        let entry = match shard.young.get(hash) {
            Some(entry) => entry,
            None => shard.rejuvenate(hash)?,
        };
        // a clock that was set back must not make it last longer
        let lasts = (1..=LONGEST_SECONDS).contains(&entry.until.saturating_sub(now));
        if lasts && entry.key.is_published() {
            return Some(Arc::clone(&entry.caller));
        }
        shard.young.remove(hash);
        None
    }

    /// Remembers a token until it expires, and five minutes at most.
    pub(super) fn keep(&self, hash: TokenHash, caller: &Arc<Caller>, key: Arc<Key>, now: i64) {
        let until = now.saturating_add(LONGEST_SECONDS);
        let entry = Entry {
            until: caller.expires().map_or(until, |expires| expires.min(until)),
            caller: Arc::clone(caller),
            key,
        };
        self.shard(&hash).insert(hash, entry);
    }

    fn shard(&self, hash: &TokenHash) -> std::sync::MutexGuard<'_, Shard> {
        let [first, ..] = hash;
        let index = usize::from(*first) % SHARDS;
        #[expect(clippy::indexing_slicing, reason = "the remainder is an index")]
        let shard = &self.shards[index];
        // an entry is put in or taken out as a whole, so a panic elsewhere leaves nothing half done
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shard {
    fn rejuvenate(&mut self, hash: &TokenHash) -> Option<&Entry> {
        let entry = self.old.remove(hash)?;
        self.insert(*hash, entry);
        self.young.get(hash)
    }

    /// When the young are many, they become the old and the old are forgotten: those that nobody
    /// used since the last turn.
    fn insert(&mut self, hash: TokenHash, entry: Entry) {
        if self.young.len() >= ENTRIES / SHARDS / 2 {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(hash, entry);
    }
}

/// A site has a token for each instance and each IDE at work; 10 000 take about 20 MB.
const ENTRIES: usize = 10_000;

/// So many locks; requests of different tokens seldom meet at one.
const SHARDS: usize = 16;

/// A token that was revoked in a way we do not hear of is accepted no longer than this.
const LONGEST_SECONDS: i64 = 300;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::claims::Claims;

    const NOW: i64 = 1_800_000_000;

    fn key() -> Arc<Key> {
        Arc::new(Key::new(None, &[255; 256], &[1, 0, 1]).unwrap())
    }

    fn caller(expires: i64) -> Arc<Caller> {
        let claims = serde_json::json!({ "exp": expires, "aud": "us" }).to_string();
        let claims = Claims::read(claims.as_bytes(), "us", NOW).unwrap();
        Arc::new(Caller::verified(claims, false))
    }

    #[test]
    fn a_token_is_remembered_for_the_lesser_of_expiry_and_five_minutes() {
        let cache = TokenCache::default();
        cache.keep(hash(b"a"), &caller(NOW + 3600), key(), NOW);
        assert!(cache.find(&hash(b"a"), NOW + 299).is_some());
        assert!(cache.find(&hash(b"a"), NOW + 300).is_none());
        assert!(
            cache.find(&hash(b"a"), NOW).is_none(),
            "it was forgotten then"
        );
        cache.keep(hash(b"b"), &caller(NOW + 10), key(), NOW);
        assert!(cache.find(&hash(b"b"), NOW + 9).is_some());
        assert!(cache.find(&hash(b"b"), NOW + 10).is_none());
        assert!(cache.find(&hash(b"c"), NOW).is_none());
        cache.keep(hash(b"d"), &caller(NOW + 3600), key(), NOW);
        assert!(
            cache.find(&hash(b"d"), NOW - 1).is_none(),
            "the clock went back"
        );
    }

    #[test]
    fn it_is_bounded_and_keeps_what_is_used() {
        let cache = TokenCache::default();
        let (caller, key) = (caller(NOW + 3600), key());
        for number in 0..4 * ENTRIES {
            cache.keep(hash(&number.to_le_bytes()), &caller, Arc::clone(&key), NOW);
            cache.keep(hash(b"used"), &caller, Arc::clone(&key), NOW);
        }
        assert!(cache.find(&hash(b"used"), NOW).is_some());
        let count: usize = cache
            .shards
            .iter()
            .map(|shard| shard.lock().unwrap())
            .map(|shard| shard.young.len() + shard.old.len())
            .sum();
        assert!(count <= ENTRIES, "{count}");
        assert!(count > ENTRIES / 4, "{count}");
    }
}
