//! Where the script and the caller meet: one slot for what the script wants, one for what the caller brings.
//!
//! The script holds one clone of [`Io`], the session the other. The script's futures put a [`Step`] in the slot and are
//! pending until the session finds there what they asked for; the lock is never held across that, nor contended.

use super::Step;
use crate::ops::{Operation, Refusal, Request};
use bytes::{Bytes, BytesMut};
use std::{
    any::Any,
    collections::VecDeque,
    future::poll_fn,
    iter,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::Poll,
};

/// Output is handed to the caller when it has grown to this many bytes, so that a long reply never lies in memory whole.
const FLUSH_AT: usize = 32 * 1024;

/// Tickets are unique in the process, so that a request of one session is never taken for another's.
static NEXT_TICKET: AtomicU64 = AtomicU64::new(1);

#[derive(Default)]
struct Exchange {
    input: VecDeque<Bytes>,
    end_of_file: bool,
    output: BytesMut,
    step: Option<Step>,
    ticket: u64,
    reply: Option<Box<dyn Any + Send>>,
}

/// A handle to the slots.
#[derive(Clone)]
pub(super) struct Io(Arc<Mutex<Exchange>>);

impl Io {
    pub(super) fn new() -> Io {
        Io(Arc::default())
    }

    fn slots(&self) -> MutexGuard<'_, Exchange> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The script's side: the next bytes from the peer; `None` at the end of file. What was written goes out first.
    pub(super) async fn input(&self) -> Option<Bytes> {
        if self.slots().input.is_empty() {
            self.flush().await;
        }
        poll_fn(|_| {
            let mut slots = self.slots();
            if let Some(bytes) = slots.input.pop_front() {
                return Poll::Ready(Some(bytes));
            }
            if slots.end_of_file {
                return Poll::Ready(None);
            }
            slots.step = Some(Step::NeedInput);
            Poll::Pending
        })
        .await
    }

    /// The script's side: has the operation performed.
    pub(super) async fn perform<O: Operation>(&self, operation: O) -> Result<O::Reply, Refusal>
    where
        Step: From<Request<O>>,
    {
        let ticket = NEXT_TICKET.fetch_add(1, Ordering::Relaxed);
        {
            let mut slots = self.slots();
            slots.ticket = ticket;
            slots.step = Some(Request::new(ticket, operation).into());
        }
        poll_fn(|_| {
            let Some(reply) = self.slots().reply.take() else { return Poll::Pending };
            let reply =
                reply.downcast().expect("Session::complete takes the ticket of this operation only, typed by it");
            Poll::Ready(*reply)
        })
        .await
    }

    /// The script's side: adds to the reply.
    pub(super) fn write(&self, add: impl FnOnce(&mut BytesMut)) {
        add(&mut self.slots().output);
    }

    /// The script's side: lets go of a reply that has grown long.
    pub(super) async fn flush_if_long(&self) {
        if self.slots().output.len() >= FLUSH_AT {
            self.flush().await;
        }
    }

    /// The script's side: gives the connection back to the caller, with the input that was not used: `rest` and what is
    /// queued behind it, an end of file included. What was written goes out first.
    pub(super) async fn give_back(&self, mut rest: Bytes) {
        self.flush().await;
        let queued = self.take_input();
        if !queued.is_empty() {
            rest = iter::once(rest).chain(queued).collect::<Vec<_>>().concat().into();
        }
        self.hand_out(Step::Return(rest)).await;
    }

    fn take_input(&self) -> VecDeque<Bytes> {
        let mut slots = self.slots();
        slots.end_of_file = false;
        std::mem::take(&mut slots.input)
    }

    /// The script's side: throws away what is queued, but not an end of file.
    pub(super) fn discard_input(&self) {
        self.slots().input.clear();
    }

    /// The script's side: lets go of the reply as far as it is written.
    pub(super) async fn flush(&self) {
        if let Some(output) = self.take_output() {
            self.hand_out(Step::Write(output)).await;
        }
    }

    /// Leaves a step that the caller answers by polling again.
    async fn hand_out(&self, step: Step) {
        self.slots().step = Some(step);
        let mut handed_out = false;
        poll_fn(|_| if std::mem::replace(&mut handed_out, true) { Poll::Ready(()) } else { Poll::Pending }).await;
    }

    /// The session's side: bytes from the peer; none are the end of file.
    pub(super) fn feed(&self, input: Bytes) {
        let mut slots = self.slots();
        if input.is_empty() {
            slots.end_of_file = true;
        } else if !slots.end_of_file {
            slots.input.push_back(input);
        }
    }

    /// The session's side: what the suspended script waits for.
    pub(super) fn take_step(&self) -> Step {
        self.slots().step.take().unwrap_or(Step::Paused)
    }

    /// The session's side: the ticket of the operation that was asked for last.
    pub(super) fn ticket(&self) -> u64 {
        self.slots().ticket
    }

    /// The session's side: the result of the operation.
    pub(super) fn answer<O: Operation>(&self, reply: Result<O::Reply, Refusal>) {
        self.slots().reply = Some(Box::new(reply));
    }

    /// The session's side: what was written and not handed out. Its memory goes with it: a reply may be long.
    pub(super) fn take_output(&self) -> Option<Bytes> {
        let mut slots = self.slots();
        (!slots.output.is_empty()).then(|| std::mem::take(&mut slots.output).freeze())
    }
}
