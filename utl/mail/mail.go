// Package mail keeps the mails that wait in the database and sends them. A mail
// is written in the transaction of the change that it tells of, and one server
// at a time sends it. The queue holds no link's code: that is made when the mail
// is sent. It refuses to talk to a mail server in the clear, unless that is on
// this machine.
package mail

import (
	"errors"
	"time"
)

// Kind is what a mail tells or asks.
type Kind string

// The kinds. Confirm goes to an account's new email address and EmailChanged to
// the one before. NewBrowser tells of a sign-in from a browser that never signed
// in to the account before. SignUp goes to the address of whoever wants an account.
const (
	Invitation      Kind = "invitation"
	Reset           Kind = "reset"
	Confirm         Kind = "confirm"
	PasswordChanged Kind = "password-changed"
	EmailChanged    Kind = "email-changed"
	NewBrowser      Kind = "new-browser"
	FactorsChanged  Kind = "factors-changed"
	SignUp          Kind = "sign-up"

	known Kind = "known" // what SignUp says to an address that an account has already
	test  Kind = "test"
)

// ErrNotDue means that a mail shall not be sent any more: its account is gone, or
// its invitation was withdrawn, for example.
var ErrNotDue = errors.New("the mail is not due any more")

// Message is what a mail tells, without its link.
type Message struct {
	Kind      Kind   `json:"-"`
	AccountID string `json:"-"` // whom it is about; empty: an invitation, a sign-up
	To        string `json:"-"` // email address

	Username string // how the mail names the account; empty: an invitation
	// Detail is an invitation's role, "removed" or "changed to" the new email
	// address, or what happened to the factors, as a sentence.
	Detail string
	At     time.Time // when it happened

	LinkID  string // of an invitation or a sign-up: whose code the mail has
	By      string // the username of whoever did it, if it is another's
	Address string // the client's address; empty: a command did it
	Agent   string // the browser's User-Agent
}

// Link is where a mail leads: it invites, resets, confirms or makes an account, or
// locks the one that a notice is about.
type Link struct {
	URL     string
	Expires time.Time
	Known   bool // an account has the address already: a SignUp says so
}
