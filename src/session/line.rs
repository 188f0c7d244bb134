//! Lines from the peer: command words, items, and the messages and records that arrive inside them.

use super::{SessionError, io::Io, script::State};
use crate::{
    command::{BadField, FlagNames, decode_record},
    dlist::{Builder, DlistError, Event, FileRef, Value},
    limits::Limits,
    ops::{AbortUpload, AnnotatedRecord, BeginUpload, FinishUpload, Refusal, UploadChunk},
    types::{Guid, Partition},
    wire::{Scanner, Token, WireLimits},
};
use bytes::Bytes;
use sha1::{Digest, Sha1};

pub(super) use crate::dlist::Item;

/// Why a command's line is answered at once and not carried out.
#[derive(Debug)]
pub(super) enum Unreadable {
    /// Its syntax is wrong.
    Syntax(DlistError),
    /// A message or record in it was refused.
    Refused(Refusal),
    /// A record in it is wrong.
    Field(BadField),
}

/// In which order records must come.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Order {
    /// Ascending by uid, none twice: each is compared with the replica's.
    #[default]
    Ascending,
    /// Any: they get the uids that are free.
    Any,
}

/// The item of an `APPLY` line, and what was taken out of it as it came.
pub(super) struct ApplyItem {
    pub(super) item: Item,
    pub(super) records: Vec<AnnotatedRecord>,
    pub(super) flags: FlagNames,
}

/// Reads the peer's lines.
pub(super) struct Lines {
    io: Io,
    scanner: Scanner,
    input: Bytes,
    builder: Builder,
    max_records: usize,
}

/// The elements that are taken out of an item as they come: a mailbox's records, and messages.
fn is_streamed(item: &[u8], key: &[u8]) -> bool {
    let records = item.eq_ignore_ascii_case(b"MAILBOX") || item.eq_ignore_ascii_case(b"LOCAL_MAILBOX");
    (records && key == b"RECORD") || (item.eq_ignore_ascii_case(b"MESSAGE") && key.is_empty())
}

impl Lines {
    pub(super) fn new(io: Io, limits: &Limits) -> Lines {
        let bound = |limit: usize| u32::try_from(limit).unwrap_or(u32::MAX);
        let wire = WireLimits { max_string: bound(limits.literal), max_depth: bound(limits.nesting) };
        Lines {
            io,
            scanner: Scanner::new(wire),
            input: Bytes::new(),
            builder: Builder::new(limits.command, is_streamed),
            max_records: limits.records,
        }
    }

    /// The next command word; `None` where the peer has closed the connection between two commands. A line without a word is
    /// an empty one.
    pub(super) async fn word(&mut self) -> Result<Option<Bytes>, SessionError> {
        match self.token_or_end().await {
            Some(Token::Word(word)) => Ok(Some(word)),
            Some(_) => Ok(Some(Bytes::new())),
            None if self.scanner.finish().is_ok() => Ok(None),
            None => Err(SessionError::Truncated),
        }
    }

    /// The next argument that must be an atom, empty if something else stands there; `None` if nothing does.
    pub(super) async fn atom(&mut self) -> Result<Option<Bytes>, SessionError> {
        match self.token().await? {
            Token::Atom(atom) => Ok(Some(atom)),
            Token::EndOfLine => Ok(None),
            _ => Ok(Some(Bytes::new())),
        }
    }

    /// What was read of the peer's input and not used.
    pub(super) fn rest(&mut self) -> Bytes {
        std::mem::take(&mut self.input)
    }

    /// Throws away what the peer has sent behind this line.
    pub(super) fn discard(&mut self) {
        self.input.clear();
        self.io.discard_input();
    }

    /// Reads the line to its end and throws it away, but for its first argument.
    pub(super) async fn skip(&mut self) -> Result<Option<Bytes>, SessionError> {
        let mut first = None;
        if self.scanner.is_between_lines() {
            return Ok(first);
        }
        loop {
            match self.token().await? {
                Token::EndOfLine | Token::Bad(_) => return Ok(first),
                Token::Atom(argument) => {
                    first.get_or_insert(argument);
                }
                _ => {}
            }
        }
    }

    /// Whether the line ends here, as it should; answers it if not.
    pub(super) async fn end(&mut self, state: &State, command: &str) -> Result<bool, SessionError> {
        let ended = self.token().await? == Token::EndOfLine;
        if !ended {
            self.skip().await?;
            state.reply(format_args!("BAD Unexpected extra arguments to {command}"));
        }
        Ok(ended)
    }

    /// The item of a line that holds neither messages nor records.
    pub(super) async fn item(&mut self) -> Result<Result<Item, Unreadable>, SessionError> {
        loop {
            let event = match self.build() {
                Built::Starved => {
                    self.read().await?;
                    continue;
                }
                Built::File(file) => self.builder.push(Token::FileStart(file)),
                Built::Event(event) => event,
            };
            match event {
                Ok(Event::Done(item)) => return Ok(Ok(item)),
                Ok(Event::More | Event::Element(_)) => {}
                Err(problem) => return self.give_up(problem).await.map(Err),
            }
        }
    }

    /// The item of an `APPLY` line. Messages are staged and records decoded as they come; the first thing that is wrong with
    /// one of them is kept until the line is at its end.
    pub(super) async fn apply(
        &mut self,
        state: &mut State,
        order: Order,
    ) -> Result<Result<ApplyItem, Unreadable>, SessionError> {
        let mut taken = Taken { max_records: self.max_records, order, ..Taken::default() };
        loop {
            let event = match self.build() {
                Built::Starved => {
                    self.read().await?;
                    continue;
                }
                Built::File(file) => {
                    if let Err(refusal) = self.upload(state, &file).await? {
                        taken.fail(Unreadable::Refused(refusal));
                    }
                    self.builder.push_file(file)
                }
                Built::Event(event) => event,
            };
            match event {
                Ok(Event::More) => {}
                Ok(Event::Element(element)) => {
                    let is_message = self.builder.element_key().is_some_and(Bytes::is_empty);
                    match (is_message, element.file()) {
                        (true, Some(_)) => {}
                        (true, None) => taken.fail(Unreadable::Field(BadField::not_a_file("MESSAGE"))),
                        (false, _) => taken.record(&element),
                    }
                    self.builder.recycle(element);
                }
                Ok(Event::Done(item)) => return Ok(taken.finish(item)),
                Err(problem) => return self.give_up(problem).await.map(Err),
            }
        }
    }

    /// Builds the item from what input there is, up to what is worth looking at. Nothing waits here: lines have many tokens.
    fn build(&mut self) -> Built {
        while let Some(token) = self.scanner.next(&mut self.input) {
            if let Token::FileStart(file) = token {
                return Built::File(file);
            }
            match self.builder.push(token) {
                Ok(Event::More) => {}
                event => return Built::Event(event),
            }
        }
        Built::Starved
    }

    /// The line is no item: reads it to its end.
    async fn give_up(&mut self, problem: DlistError) -> Result<Unreadable, SessionError> {
        self.scanner.skip_line();
        self.skip().await?;
        Ok(Unreadable::Syntax(problem))
    }

    /// Stages one message. Its declared bytes are read whatever the store says.
    async fn upload(&mut self, state: &mut State, file: &FileRef) -> Result<Result<(), Refusal>, SessionError> {
        let (io, guid) = (self.io.clone(), file.guid);
        let partition = Partition::parse(&file.partition).map_err(|_| Refusal::UnknownPartition);
        let room = partition.and_then(|partition| state.staged.room_for(1).map(|()| partition));
        let mut outcome = match room {
            Ok(partition) => io
                .perform(BeginUpload { partition: partition.clone(), guid, size: file.size })
                .await
                .map(|()| partition),
            Err(refusal) => Err(refusal),
        };
        let mut sum = Sha1::new();
        while let Token::FileData(data) = self.token().await? {
            sum.update(&data);
            if outcome.is_ok()
                && let Err(refusal) = io.perform(UploadChunk(data)).await
            {
                outcome = self.abort(refusal).await;
            }
        }
        let Ok(partition) = outcome else { return Ok(outcome.map(|_| ())) };
        if Guid::from_bytes(sum.finalize().into()) != guid {
            return Ok(self.abort(Refusal::GuidMismatch).await.map(|_| ()));
        }
        let finished = io.perform(FinishUpload).await;
        if finished.is_ok() {
            state.staged.insert(&partition, guid);
        }
        Ok(finished)
    }

    /// Gives an upload up. That the store cannot even forget it changes nothing for the peer.
    async fn abort(&self, refusal: Refusal) -> Result<Partition, Refusal> {
        let _ = self.io.perform(AbortUpload).await;
        Err(refusal)
    }

    async fn token(&mut self) -> Result<Token, SessionError> {
        self.token_or_end().await.ok_or(SessionError::Truncated)
    }

    /// The next token; `None` at the end of file.
    async fn token_or_end(&mut self) -> Option<Token> {
        loop {
            if let Some(token) = self.scanner.next(&mut self.input) {
                return Some(token);
            }
            self.input = self.io.input().await?;
        }
    }

    /// More input, once the last is used up.
    async fn read(&mut self) -> Result<(), SessionError> {
        self.input = self.io.input().await.ok_or(SessionError::Truncated)?;
        Ok(())
    }
}

/// What the input held.
enum Built {
    /// Nothing more.
    Starved,
    /// The head of a file, whose bytes follow.
    File(Box<FileRef>),
    /// An element, the item, or what is wrong with it.
    Event(Result<Event, DlistError>),
}

/// What was taken out of a line so far.
#[derive(Default)]
struct Taken {
    records: Vec<AnnotatedRecord>,
    flags: FlagNames,
    max_records: usize,
    order: Order,
    problem: Option<Unreadable>,
}

impl Taken {
    fn fail(&mut self, problem: Unreadable) {
        self.problem.get_or_insert(problem);
        self.records = Vec::new();
    }

    fn record(&mut self, element: &Value) {
        if self.problem.is_some() {
            return;
        }
        match decode_record(element, &mut self.flags) {
            Ok(_) if self.records.len() >= self.max_records => self.fail(Unreadable::Refused(Refusal::Limit)),
            Ok(record) if self.order == Order::Ascending && self.is_out_of_order(&record) => {
                self.fail(Unreadable::Field(BadField::not_ascending("UID")));
            }
            Ok(record) => self.records.push(record),
            Err(field) => self.fail(Unreadable::Field(field)),
        }
    }

    fn is_out_of_order(&self, next: &AnnotatedRecord) -> bool {
        self.records.last().is_some_and(|last| last.record.uid >= next.record.uid)
    }

    fn finish(self, item: Item) -> Result<ApplyItem, Unreadable> {
        match self.problem {
            Some(problem) => Err(problem),
            None => Ok(ApplyItem { item, records: self.records, flags: self.flags }),
        }
    }
}
