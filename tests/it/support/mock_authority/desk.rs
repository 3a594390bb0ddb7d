//! From a request to an answer.

use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::{Instant, SystemTime},
};

use data_encoding::BASE64URL_NOPAD;
use duogate::foundation::Clock;
use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{
    account::Account,
    behaviour::Replaces,
    issuer::{Issuer, Request},
    ledger::{Ledger, Recorded, Window},
    order::{Identifier, Order},
    reply::Reply,
    signed::{Signed, Signer},
    step::{Asked, Step},
    validation::Proof,
};

/// A request as it came off the wire.
pub(crate) struct Received {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) content_type: String,
    pub(crate) user_agent: String,
    pub(crate) body: Vec<u8>,
}

/// Answers requests.
pub(crate) struct Desk {
    /// Begins every URL.
    pub(crate) base: String,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) issuer: Issuer,
    pub(crate) ledger: Mutex<Ledger>,
    /// Runs validations.
    pub(crate) runtime: tokio::runtime::Handle,
}

/// Who sent a signed message, and what is in it.
struct Message {
    account: usize,
    payload: Option<Value>,
}

impl Desk {
    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap()
    }

    /// Answers and records.
    pub(crate) fn answer(self: &Arc<Self>, received: &Received) -> Reply {
        let Some(asked) = Asked::parse(&received.path) else {
            return Reply::problem(404, "malformed", "no such path");
        };
        let payload = Signed::parse(&received.body)
            .ok()
            .and_then(|signed| signed.payload);
        let mut reply = self.reply(received, &asked);
        let mut ledger = self.ledger();
        if !matches!(asked.step, Step::Directory | Step::RenewalInfo) {
            let nonce = ledger.new_nonce();
            reply = reply.with("Replay-Nonce", &nonce);
        }
        if received.user_agent.is_empty() {
            ledger.blame(format!("{}: no User-Agent", received.path));
        }
        ledger.requests.push(Recorded {
            step: asked.step,
            path: received.path.clone(),
            payload: payload.unwrap_or(Value::Null),
            user_agent: received.user_agent.clone(),
            status: reply.status,
            at: Instant::now(),
        });
        reply
            .with("Cache-Control", "no-store")
            .with("Link", &format!("<{}/directory>;rel=\"index\"", self.base))
    }

    fn reply(self: &Arc<Self>, received: &Received, asked: &Asked) -> Reply {
        let signed = !matches!(
            asked.step,
            Step::Directory | Step::NewNonce | Step::RenewalInfo
        );
        let message = if signed {
            match self.message(received, asked.step) {
                Ok(message) => Some(message),
                Err(refusal) => return refusal,
            }
        } else {
            None
        };
        if let Some(reply) = self.ledger().scripted(asked.step) {
            return reply;
        }
        let Some(message) = message else {
            return match asked.step {
                Step::Directory => self.directory(),
                Step::NewNonce => Reply::text(200, "text/plain", String::new()),
                _ => self.renewal_info(&asked.detail),
            };
        };
        match asked.step {
            Step::NewAccount => self.new_account(&message),
            Step::NewOrder => self.new_order(&message),
            Step::Finalize => self.finalize(&message, asked.number),
            Step::Challenge => self.challenge(&message, asked),
            _ => self.look(&message, asked),
        }
    }

    /// Checks a signed message (RFC 8555 6.2 to 6.5).
    fn message(&self, received: &Received, step: Step) -> Result<Message, Reply> {
        let mut ledger = self.ledger();
        let broken = |ledger: &mut Ledger, words: &str| {
            ledger.blame(format!("{}: {words}", received.path));
            Reply::problem(400, "malformed", words)
        };
        if received.method != "POST" {
            return Err(broken(
                &mut ledger,
                &format!("{} is no POST", received.method),
            ));
        }
        if received.content_type != "application/jose+json" {
            return Err(broken(&mut ledger, "content type"));
        }
        let signed = match Signed::parse(&received.body) {
            Ok(signed) => signed,
            Err(words) => return Err(broken(&mut ledger, &words)),
        };
        if signed.url != format!("{}{}", self.base, received.path) {
            return Err(broken(&mut ledger, &format!("signed for {}", signed.url)));
        }
        ledger.signed_count += 1;
        let every = ledger.behaviour.refused_nonce_every;
        let refused = every > 0 && ledger.signed_count.is_multiple_of(every);
        if !ledger.nonces.remove(&signed.nonce) || refused {
            return Err(Reply::problem(
                400,
                "badNonce",
                "this nonce is used or unknown",
            ));
        }
        let (account, key) = match (&signed.signer, step == Step::NewAccount) {
            (Signer::Key(key), true) => (ledger.account_of(key), key.clone()),
            (Signer::Account(url), false) => {
                ledger.account_at(&self.base, url).ok_or_else(|| {
                    Reply::problem(400, "accountDoesNotExist", "no account with this URL")
                })?
            }
            _ => return Err(broken(&mut ledger, "jwk and kid are mixed up")),
        };
        if !signed.is_by(&key) {
            return Err(broken(&mut ledger, "the signature is bad"));
        }
        if step == Step::NewAccount && account == ledger.accounts.len() {
            ledger.accounts.push(Account {
                key,
                wanted: Value::Null,
                known: false,
            });
        }
        Ok(Message {
            account,
            payload: signed.payload,
        })
    }

    fn directory(&self) -> Reply {
        let base = &self.base;
        let behaviour = self.ledger().behaviour.clone();
        let mut directory = json!({
            "newNonce": format!("{base}/new-nonce"),
            "newAccount": format!("{base}/new-account"),
            "newOrder": format!("{base}/new-order"),
            "keyChange": format!("{base}/key-change"),
            "revokeCert": format!("{base}/revoke-certificate"),
            "meta": {"termsOfService": "https://ca.test/terms", "website": "https://ca.test"},
        });
        if behaviour.renewal_info.offered {
            directory["renewalInfo"] = json!(format!("{base}/renewal-info"));
        }
        if !behaviour.profiles.is_empty() {
            let described = behaviour.profiles.iter();
            let described = described.map(|name| ((*name).to_owned(), json!("https://ca.test")));
            directory["meta"]["profiles"] = Value::Object(described.collect());
        }
        Reply::json(200, &directory)
    }

    fn new_account(&self, message: &Message) -> Reply {
        let mut ledger = self.ledger();
        let wanted = message.payload.clone().unwrap_or_default();
        if wanted["termsOfServiceAgreed"] != true {
            return Reply::problem(400, "userActionRequired", "agree to the terms first");
        }
        let account = &mut ledger.accounts[message.account];
        let status = if account.known { 200 } else { 201 };
        account.known = true;
        account.wanted = wanted;
        let shown = json!({"status": "valid", "contact": account.wanted["contact"]});
        let location = format!("{}/account/{}", self.base, message.account);
        Reply::json(status, &shown).with("Location", &location)
    }

    fn new_order(&self, message: &Message) -> Reply {
        let mut ledger = self.ledger();
        let wanted = message.payload.clone().unwrap_or_default();
        let identifiers: Option<Vec<_>> = wanted["identifiers"]
            .as_array()
            .and_then(|list| list.iter().map(Identifier::parse).collect());
        let Some(identifiers) = identifiers.filter(|list| !list.is_empty()) else {
            ledger.blame("an order without identifiers".to_owned());
            return Reply::problem(400, "malformed", "identifiers");
        };
        if let Some(refusal) = ledger.refusal_of_names(&identifiers) {
            return refusal;
        }
        let replaces = wanted["replaces"].as_str().map(ToOwned::to_owned);
        if let Some(refusal) = ledger.refusal_to_replace(replaces.as_deref(), &identifiers) {
            return refusal;
        }
        let profile = wanted["profile"].as_str().map(ToOwned::to_owned);
        let profiles = ledger.behaviour.profiles.clone();
        if let Some(profile) = &profile
            && !profiles.contains(&profile.as_str())
        {
            return Reply::problem(400, "invalidProfile", "no such profile");
        }
        let authorizations = identifiers
            .iter()
            .map(|identifier| ledger.authorization(message.account, identifier))
            .collect();
        let order = Order {
            number: ledger.orders.len(),
            account: message.account,
            identifiers,
            authorizations,
            replaces,
            echoes_replaces: ledger.behaviour.replaces == Replaces::Echoed,
            profile: profile.or(profiles.first().map(|name| (*name).to_owned())),
            finalized: false,
            looks_left: ledger.behaviour.processing_looks,
            certificate: None,
        };
        let location = format!("{}/order/{}", self.base, order.number);
        let reply = Reply::json(201, &order.json(&self.base, ledger.proved(&order)));
        ledger.orders.push(order);
        reply.with("Location", &location)
    }

    fn finalize(&self, message: &Message, number: usize) -> Reply {
        let mut ledger = self.ledger();
        let Some(order) = ledger.order(message.account, number) else {
            return Reply::problem(404, "malformed", "no such order of yours");
        };
        if ledger.proved(&order) != "valid" || order.finalized {
            ledger.blame(format!("order {number} was finalized too early or twice"));
            return Reply::problem(403, "orderNotReady", "not yet or not again");
        }
        let payload = message.payload.clone().unwrap_or_default();
        let csr = payload["csr"].as_str().unwrap_or_default();
        let request = BASE64URL_NOPAD
            .decode(csr.as_bytes())
            .map_err(|error| error.to_string())
            .and_then(|der| Request::parse(&der));
        let request = match request {
            Ok(request) if same_names(&request.identifiers, &order.identifiers) => request,
            other => {
                let words = other.err().unwrap_or("other names than ordered".to_owned());
                ledger.blame(format!("signing request: {words}"));
                return Reply::problem(400, "badCSR", &words);
            }
        };
        let behaviour = ledger.behaviour.clone();
        let issued = self.issuer.issue(
            &request,
            self.clock.now(),
            behaviour.life,
            behaviour.alternates,
        );
        let certificate = ledger.certificates.len();
        ledger.certificates.push(issued);
        if let Some(replaces) = &order.replaces
            && let Some(old) = ledger
                .certificates
                .iter_mut()
                .find(|issued| issued.identifier == *replaces)
        {
            old.replaced = true;
        }
        let order = &mut ledger.orders[number];
        order.finalized = true;
        order.certificate = Some(certificate);
        let shown = order.json(&self.base, "valid");
        Reply::json(200, &shown).with("Location", &format!("{}/order/{number}", self.base))
    }

    /// The client says that a challenge can be looked for.
    fn challenge(self: &Arc<Self>, message: &Message, asked: &Asked) -> Reply {
        let mut ledger = self.ledger();
        let known = ledger.authorizations.get(asked.number).cloned();
        let Some(authorization) = known.filter(|known| known.account == message.account) else {
            return Reply::problem(404, "malformed", "no such challenge of yours");
        };
        let offers = authorization.offers.iter().copied();
        let Some(offer) = offers
            .into_iter()
            .find(|offer| offer.word() == asked.detail)
        else {
            return Reply::problem(404, "malformed", "this kind is not offered");
        };
        if message.payload == Some(json!({})) && authorization.status == "pending" {
            let proof = Proof {
                identifier: authorization.identifier.clone(),
                offer,
                token: authorization.token.clone(),
                thumbprint: ledger.accounts[message.account].key.thumbprint(),
            };
            let validation = ledger.behaviour.validation;
            let desk = Arc::clone(self);
            self.runtime.spawn(async move {
                let outcome = proof.look(validation).await;
                let mut ledger = desk.ledger();
                let authorization = &mut ledger.authorizations[authorization.number];
                authorization.status = if outcome.is_ok() { "valid" } else { "invalid" };
                authorization.answered = Some((offer, outcome.err()));
            });
            ledger.authorizations[asked.number].answered = Some((offer, None));
        }
        let shown = ledger.authorizations[asked.number].challenge(offer, &self.base);
        let up = format!("<{}/authorization/{}>;rel=\"up\"", self.base, asked.number);
        Reply::json(200, &shown).with("Link", &up)
    }

    /// POST-as-GET.
    fn look(&self, message: &Message, asked: &Asked) -> Reply {
        let mut ledger = self.ledger();
        if message.payload.is_some() && asked.step != Step::Account {
            ledger.blame(format!("{:?} with a payload", asked.step));
        }
        let none = || Reply::problem(404, "malformed", "nothing of yours is here");
        match asked.step {
            Step::Account => Reply::json(200, &json!({"status": "valid"})),
            Step::Order => {
                let Some(order) = ledger.order(message.account, asked.number) else {
                    return none();
                };
                let reply = Reply::json(200, &order.json(&self.base, ledger.proved(&order)));
                let order = &mut ledger.orders[asked.number];
                if order.finalized {
                    order.looks_left = order.looks_left.saturating_sub(1);
                }
                reply
            }
            Step::Authorization => match ledger.authorizations.get(asked.number) {
                Some(known) if known.account == message.account => {
                    Reply::json(200, &known.json(&self.base))
                }
                _ => none(),
            },
            _ => self.chain(&ledger, asked).unwrap_or_else(none),
        }
    }

    fn chain(&self, ledger: &Ledger, asked: &Asked) -> Option<Reply> {
        let issued = ledger.certificates.get(asked.number)?;
        let wanted: usize = asked.detail.parse().ok()?;
        let chain = issued.chains.get(wanted)?;
        let kind = "application/pem-certificate-chain";
        let mut reply = Reply::text(200, kind, chain.clone());
        for other in (0..issued.chains.len()).filter(|other| *other != wanted) {
            let url = format!("{}/certificate/{}/{other}", self.base, asked.number);
            reply = reply.with("Link", &format!("<{url}>;rel=\"alternate\""));
        }
        Some(reply)
    }

    /// RFC 9773 4.2: at a third of the life left, a fiftieth of it wide.
    fn renewal_info(&self, identifier: &str) -> Reply {
        let ledger = self.ledger();
        let place = ledger
            .certificates
            .iter()
            .position(|issued| issued.identifier == identifier);
        let Some(place) = place else {
            return Reply::problem(404, "malformed", "no such certificate");
        };
        let issued = &ledger.certificates[place];
        let life = issued.not_after.duration_since(issued.not_before).unwrap();
        let start = issued.not_after - life / 3 - life / 100;
        let moved = ledger.windows.iter().rfind(|(number, _)| *number == place);
        let (start, end) = match moved.map(|(_, window)| window) {
            Some(Window::Text(text)) => return Reply::text(200, "application/json", text.clone()),
            Some(Window::Between(start, end)) => (*start, *end),
            None => (start, start + life / 50),
        };
        let mut shown = json!({"suggestedWindow": {"start": date(start), "end": date(end)}});
        let settings = &ledger.behaviour.renewal_info;
        if let Some(explanation) = &settings.explanation {
            shown["explanationURL"] = json!(explanation);
        }
        let reply = Reply::json(200, &shown);
        match &settings.retry_after {
            Some(value) => reply.with("Retry-After", value),
            None => reply,
        }
    }
}

fn same_names(one: &[Identifier], other: &[Identifier]) -> bool {
    one.len() == other.len() && one.iter().all(|name| other.contains(name))
}

fn date(moment: SystemTime) -> String {
    OffsetDateTime::from(moment).format(&Rfc3339).unwrap()
}
