//go:build race

package session_test

// raced reports that the race detector is on, with which millions of repetitions take
// too long.
const raced = true
