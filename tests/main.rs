//! End to end: the built component, in the real host, over real sockets.

mod sandbox;
