//! A host that must not block: it awaits the peer and the store, one task for each connection, on one thread.
//!
//! This is how a server that is already asynchronous drives a session. The store is a blocking one on a thread of its own;
//! a host whose storage is asynchronous itself matches on `Op` and awaits in each arm, as `perform` does here for messages.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use bytes::{Bytes, BytesMut};
use common::transcript::Transcript;
use std::io;
use sync_server::{
    ops::{Commit, FindRecords, Op, OpenMailbox, Operation, Refusal, Request, Store},
    session::{Config, Misuse, Session, SessionError, Step},
    store::MemoryStore,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    sync::{mpsc, oneshot},
    task::{JoinHandle, spawn_blocking},
};

#[derive(Debug, thiserror::Error)]
enum HostError {
    #[error(transparent)]
    Session(#[from] SessionError),
    #[error(transparent)]
    Stream(#[from] io::Error),
    #[error(transparent)]
    Misuse(#[from] Misuse),
}

/// The whole of an asynchronous host: the blocking loop of the crate's documentation, with `await` in it.
async fn serve(mut session: Session, store: StoreThread, mut stream: DuplexStream) -> Result<(), HostError> {
    loop {
        match session.poll()? {
            Step::NeedInput => {
                let mut buffer = BytesMut::with_capacity(4096);
                stream.read_buf(&mut buffer).await?;
                session.receive(buffer.freeze());
            }
            Step::Write(output) => stream.write_all(&output).await?,
            Step::Perform(op) => perform(op, &mut session, &store).await?,
            Step::Channel(_) | Step::Return(_) | Step::Paused | Step::Closed => return Ok(()),
        }
    }
}

/// Awaits one operation. Some are asked for by their own type, with their own reply; the others as they come.
async fn perform(op: Op, session: &mut Session, store: &StoreThread) -> Result<(), Misuse> {
    match op {
        Op::OpenMailbox(request) => {
            let open = OpenMailbox { name: request.name.clone(), intent: request.intent };
            answer(session, request, store.run(move |store| store.open_mailbox(&open)).await)
        }
        Op::FindRecords(request) => {
            let find = FindRecords { uids: request.uids.clone() };
            answer(session, request, store.run(move |store| store.find_records(&find)).await)
        }
        Op::UploadChunk(request) => {
            let chunk = sync_server::ops::UploadChunk(request.0.clone());
            answer(session, request, store.run(move |store| store.upload_chunk(&chunk)).await)
        }
        // The session cannot go along: it waits here while the operation is carried out on the store's own thread.
        op => store.lend(op, session).await,
    }
}

fn answer<O: Operation>(
    session: &mut Session,
    request: Request<O>,
    reply: Result<O::Reply, Refusal>,
) -> Result<(), Misuse> {
    session.complete(request, reply)
}

type Job = Box<dyn FnOnce(&mut MemoryStore) + Send>;

/// A blocking store on a thread of its own.
#[derive(Clone)]
struct StoreThread(mpsc::Sender<Job>);

impl StoreThread {
    /// The thread gives the store back when nobody can ask it any more.
    fn spawn(mut store: MemoryStore) -> (StoreThread, JoinHandle<MemoryStore>) {
        let (jobs, mut queue) = mpsc::channel::<Job>(1);
        let thread = spawn_blocking(move || {
            while let Some(job) = queue.blocking_recv() {
                job(&mut store);
            }
            store
        });
        (StoreThread(jobs), thread)
    }

    async fn run<T: Send + 'static>(&self, job: impl FnOnce(&mut MemoryStore) -> T + Send + 'static) -> T {
        let (reply, replied) = oneshot::channel();
        let job: Job = Box::new(move |store| drop(reply.send(job(store))));
        self.0.send(job).await.unwrap_or_else(|_| panic!("the store's thread runs as long as this"));
        replied.await.unwrap()
    }

    /// Carries an operation out with the session itself, which is `Send`, on the store's thread.
    async fn lend(&self, op: Op, session: &mut Session) -> Result<(), Misuse> {
        let own = std::mem::replace(session, Session::new(Config::trusted("")));
        let (own, outcome) = self
            .run(move |store| {
                let mut own = own;
                let outcome = op.perform(&mut own, store);
                (own, outcome)
            })
            .await;
        *session = own;
        outcome
    }
}

/// Serves what a client says, in pieces of this size, and returns all that it is told and the store.
async fn converse(config: Config, store: MemoryStore, client: Bytes, piece: usize) -> (Bytes, MemoryStore) {
    let (ours, theirs) = duplex(1024);
    let (store, thread) = StoreThread::spawn(store);
    let served = tokio::spawn(serve(Session::new(config), store, ours));
    let (mut hear, mut say) = tokio::io::split(theirs);
    let speaker = tokio::spawn(async move {
        for piece in client.chunks(piece) {
            // The session closes once EXIT is said: what is said behind it may not be heard.
            if say.write_all(piece).await.is_err() {
                break;
            }
        }
    });
    let mut said = Vec::new();
    hear.read_to_end(&mut said).await.unwrap();
    speaker.await.unwrap();
    served.await.unwrap().unwrap();
    (said.into(), thread.await.unwrap())
}

#[tokio::test]
async fn recorded_conversations_replay_to_the_same_bytes() {
    for (first, then) in [("first-user-36.csync", "all-36.csync"), ("first-user-312.csync", "all-312.csync")] {
        let mut store = MemoryStore::new();
        for name in [first, then] {
            let transcript = Transcript::read(name);
            let said;
            (said, store) = converse(transcript.config(), store, transcript.client(), 777).await;
            assert_eq!(String::from_utf8_lossy(&said), String::from_utf8_lossy(&transcript.server()), "{name}");
        }
    }
}

/// Many connections on one thread: none waits for another.
#[tokio::test]
async fn connections_are_served_at_the_same_time() {
    let transcript = Transcript::read("first-user-312.csync");
    let conversations: Vec<_> = (1..=8)
        .map(|piece| tokio::spawn(converse(transcript.config(), MemoryStore::new(), transcript.client(), piece * 100)))
        .collect();
    for conversation in conversations {
        let (said, _) = conversation.await.unwrap();
        assert!(said == transcript.server());
    }
}

/// A store behind a network may answer late or never; the task can be dropped at any await.
#[tokio::test]
async fn a_host_may_give_up_while_an_operation_is_under_way() {
    let mut session = Session::new(Config::trusted("r"));
    session.receive(Bytes::from_static(b"APPLY UNMAILBOX user.u1\r\n"));
    loop {
        match session.poll().unwrap() {
            Step::Perform(Op::Commit(request)) => {
                let _: &Commit = &request;
                drop(request);
                break;
            }
            Step::Write(_) => {}
            step => panic!("{step:?}"),
        }
    }
    assert!(matches!(session.poll(), Ok(Step::Paused)));
}
