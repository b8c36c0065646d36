//go:build race

package session_test

// raced says that the race detector is on: loops of millions take too long.
const raced = true
