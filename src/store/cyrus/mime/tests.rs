//! Cache records against those that real Cyrus wrote, and input that must do no harm.
