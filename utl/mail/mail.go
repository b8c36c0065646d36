// Package mail queues mails in the database and sends them by SMTP. A mail is queued in
// the transaction of the change that it is about, and each mail is sent by one server.
// The queue holds no link's code: it is created when the mail is sent. The package
// refuses to send without TLS, except to a mail server on this machine.
package mail

import (
	"errors"
	"time"
)

// Kind is the kind of a mail: what it is about.
type Kind string

// The kinds of mail. Confirm goes to an account's new email address, and EmailChanged
// to its previous one. NewBrowser is sent after a sign-in from a browser that never
// signed in to the account before. SignUp goes to the address typed at sign-up.
const (
	Invitation      Kind = "invitation"
	Reset           Kind = "reset"
	Confirm         Kind = "confirm"
	PasswordChanged Kind = "password-changed"
	EmailChanged    Kind = "email-changed"
	NewBrowser      Kind = "new-browser"
	FactorsChanged  Kind = "factors-changed"
	SignUp          Kind = "sign-up"

	known Kind = "known" // the text of a SignUp to an address that an account has confirmed
	test  Kind = "test"
)

// ErrNotDue means that a mail must not be sent any more, because its account was
// deleted or its invitation was withdrawn, for example.
var ErrNotDue = errors.New("the mail is not due any more")

// Message is the content of a mail, without its link.
type Message struct {
	Kind      Kind   `json:"-"`
	AccountID string `json:"-"` // the account it is about; empty for an invitation and a sign-up
	To        string `json:"-"` // the recipient's address

	Username string // the account's; empty for an invitation
	// Detail is the role of an invitation, "removed" or "changed to" and the new address
	// for EmailChanged, or a sentence that says how the factors changed.
	Detail string
	At     time.Time // when the change happened

	LinkID  string // of an invitation or a sign-up: the id of the row for which a code is created
	By      string // the username of whoever made the change; empty: the account's person
	Address string // the client's address; empty: a command did it
	Agent   string // the browser's User-Agent
}

// Link is the link in a mail. It creates an account, sets a password, confirms an
// address, or locks the account that the mail is about.
type Link struct {
	URL     string
	Expires time.Time
	Known   bool // an account has confirmed the address: a SignUp then says so
}
