package people

import (
	"context"
	"time"

	"glassjar/handlers/web"
	"glassjar/utl/mail"
)

// failuresShown is how many of the mails that were given up the page lists.
const failuresShown = 5

// mailTrouble describes what is wrong with mail.
type mailTrouble struct {
	Waiting int
	Since   web.Moment
	Why     string // why mails wait; empty: none failed
	Failed  []failedMail
}

// failedMail is a mail that was given up.
type failedMail struct {
	What, To, Why string
	When          web.Moment
}

var mailNames = map[mail.Kind]string{
	mail.Invitation: "An invitation", mail.Reset: "A link for a new password", mail.Confirm: "A link that confirms an address",
	mail.PasswordChanged: "A notice of a new password", mail.EmailChanged: "A notice of another address",
	mail.SignUp: "A link for a new account", mail.NewBrowser: "A notice of a new browser", mail.FactorsChanged: "A notice of changed ways to sign in",
}

// Any reports whether anything is wrong.
func (t mailTrouble) Any() bool { return t.Why != "" || len(t.Failed) > 0 }

// mailTrouble returns what is wrong with mail, if anything.
func (s *Room) mailTrouble(ctx context.Context, now time.Time) (mailTrouble, error) {
	queue := s.Accounts.Mail
	if !queue.Works() {
		return mailTrouble{}, nil
	}
	wait, err := queue.Trouble(ctx)
	if err != nil {
		return mailTrouble{}, err
	}
	failed, err := queue.Failed(ctx, failuresShown)
	t := mailTrouble{Waiting: wait.Waiting, Since: web.MomentAt(wait.Since, now), Why: wait.Why}
	for _, f := range failed {
		t.Failed = append(t.Failed, failedMail{mailNames[f.Kind], f.To, f.Why, web.MomentAt(f.GaveUp, now)})
	}
	return t, err
}
