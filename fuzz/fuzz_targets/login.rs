//! A session whose peer has to log in.
//!
//! Whatever the peer says: nothing is asked of the store before an administrator has logged in; each layer is started once at most,
//! after what was said has been sent, and nothing that was sent before it is carried out within it; memory stays in proportion to
//! the input.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use sync_server::{
    limits::Limits,
    ops::{Channel, ChannelOp, ContinueLogin, Layer, Login, Offer, Op, ReadOffer, Refusal, StartLayer, StartLogin},
    session::{Config, Session, Step},
    store::MemoryStore,
};
use sync_server_fuzz::{Dice, heap};

#[global_allocator]
static HEAP: heap::Counting = heap::Counting;

fuzz_target!(|input: &[u8]| {
    let mut dice = Dice::of(input);
    let peak = heap::peak_of(|| converse(input, || usize::MAX));
    assert!(peak <= (1 << 20) + 200 * input.len(), "{peak} bytes are held for an input of {}", input.len());
    converse(input, || 1 + dice.below(40));
});

/// A connection that believes the peer's word: what the response begins with.
#[derive(Default)]
struct Believing {
    is_admin: bool,
    under_way: bool,
    layers: Vec<Layer>,
}

impl Believing {
    fn answered(&mut self, response: &[u8]) -> Login {
        let login = match response.first() {
            Some(b'A') => Login::Done { is_admin: true, strength: 0 },
            Some(b'B') => Login::Done { is_admin: true, strength: 56 },
            Some(b'U') => Login::Done { is_admin: false, strength: 1 },
            Some(b'C') => Login::Challenge("bW9yZQ==".into()),
            _ => Login::Failed("authentication failure".into()),
        };
        self.under_way = matches!(login, Login::Challenge(_));
        self.is_admin = matches!(login, Login::Done { is_admin: true, .. });
        login
    }
}

impl Channel for Believing {
    fn read_offer(&mut self, _: &ReadOffer) -> Result<Offer, Refusal> {
        Ok(Offer { mechanisms: "PLAIN".into(), tls: true, deflate: true })
    }

    fn start_login(&mut self, start: &StartLogin) -> Result<Login, Refusal> {
        assert!(!self.is_admin, "who has logged in cannot do so again");
        assert!((1..=20).contains(&start.mechanism.len()) && start.mechanism.is_ascii());
        Ok(self.answered(start.response.as_deref().unwrap_or(b"C")))
    }

    fn continue_login(&mut self, answer: &ContinueLogin) -> Result<Login, Refusal> {
        assert!(self.under_way, "there was a challenge");
        Ok(self.answered(&answer.response))
    }

    fn start_layer(&mut self, start: &StartLayer) -> Result<(), Refusal> {
        assert!(!self.layers.contains(&start.0), "{:?} twice", start.0);
        self.layers.push(start.0);
        // So that it is also seen what comes of a failure.
        if self.layers.len() == 3 { Err(Refusal::Io) } else { Ok(()) }
    }
}

fn converse(input: &[u8], mut piece: impl FnMut() -> usize) {
    let limits = Limits { literal: 4096, command: 1 << 16, records: 1000, staged: 100, ..Limits::default() };
    let config = Config { limits, trusted_peer: false, channel: true, ..Config::trusted("r.example.org") };
    let (mut session, mut channel, mut store) = (Session::new(config), Believing::default(), MemoryStore::at(0));
    let mut rest = Bytes::copy_from_slice(input);
    while run(&mut session, &mut channel, &mut store) {
        // The last of them is empty: the end.
        session.receive(rest.split_to(rest.len().min(piece())));
    }
}

/// Runs until the session wants input; whether it does, and is not over.
fn run(session: &mut Session, channel: &mut Believing, store: &mut MemoryStore) -> bool {
    let (mut is_sent, mut is_wrapped) = (true, false);
    loop {
        match session.poll() {
            Ok(Step::NeedInput) => return true,
            Ok(Step::Write(_)) => is_sent = true,
            Ok(Step::Perform(op)) => {
                let is_end = matches!(op, Op::DiscardStaged(_));
                assert!(is_end || channel.is_admin, "{op:?} before a login");
                assert!(is_end || !is_wrapped, "{op:?} of what came before a layer");
                op.perform(session, store).expect("the request is this session's");
            }
            Ok(Step::Channel(op)) => {
                match &op {
                    ChannelOp::StartLayer(_) => {
                        assert!(is_sent, "the answer is within the layer");
                        is_wrapped = true;
                    }
                    ChannelOp::ReadOffer(_) => {}
                    other => assert!(!is_wrapped, "{other:?} of what came before a layer"),
                }
                is_sent = false;
                op.perform(session, channel).expect("the request is this session's");
            }
            Ok(Step::Return(_) | Step::Paused) => panic!("nothing is outstanding"),
            Ok(Step::Closed) | Err(_) => return false,
        }
    }
}
