package signin

import (
	"errors"
	"net/http"

	"glassjar/handlers/web"
	"glassjar/utl/account"
	"glassjar/utl/mail"
)

var (
	errUnwritten  = errors.New("signed out, but it could not be written")
	errOwnerFirst = errors.New("nobody can sign up before the owner")
)

// Answers are the responses to errors of signing in and out.
var Answers = []web.Answer{
	{
		Err: account.ErrReplaced, Status: http.StatusGone, Title: "A newer link replaced this one",
		Text: "The server was started again and printed another link: open that one. Only the newest works.",
	},
	{
		Err: account.ErrNoOwner, Status: http.StatusConflict, Title: "The owner comes first",
		Text: "No owner has an account yet. The server printed a link for the owner when it started: open that first. " +
			"If it is lost, start the server again and it prints a new one. Then this link works.",
	},
	{
		Err: errOwnerFirst, Status: http.StatusConflict, Title: "The owner comes first",
		Text: "No owner has an account yet. The server printed a link for the owner when it started: open that first. Then everybody else can make an account.",
	},
	{
		Err: account.ErrFull, Status: http.StatusServiceUnavailable, Title: "Too many wait", RetryAfter: "86400", Expected: true,
		Text: "Too many people wait for an owner’s yes already. Try again tomorrow.",
	},
	{
		Err: account.ErrManyPending, Status: http.StatusServiceUnavailable, Title: "Too many signed up", RetryAfter: "86400", Expected: true,
		Text: "Too many people asked for an account today. Try again tomorrow.",
	},
	{
		Err: mail.ErrAsks, Status: http.StatusTooManyRequests, Title: "Too many asked",
		Text: "Too many asked for a new password from where you are. Wait an hour, or ask an owner of this site for a link.", RetryAfter: "3600", Expected: true,
	},
	{Err: account.ErrLink, Status: http.StatusGone, Title: "This link is used up", Text: "It was used, has expired, or never was one. Ask for a new one."},
	{
		Err: errBounced, Status: http.StatusConflict, Title: "Your browser did not keep the cookie",
		Text: "You are signed in here, but came straight back from the page that you wanted: " +
			"your browser did not keep the cookie for it, or did not send it. Allow cookies there, remove old ones of that site, then open the page again.",
	},
	{
		Err: errUnwritten, Status: http.StatusServiceUnavailable, Title: "Signed out, not yet written down",
		Text: "Your browser has forgotten its cookie and this server refuses it from now on. " +
			"The database cannot be reached; once it can, every other server refuses the cookie too.", RetryAfter: "5",
	},
}
