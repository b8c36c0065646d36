package mail

// words are the texts of a kind of mail. {site}, {name}, {detail} and {until} are
// placeholders.
type words struct{ subject, says, before, button, after string }

const (
	once   = "The link works once, until {until}."
	lock   = "If that was you, there is nothing to do. If it was not, lock the account: it is signed out everywhere, its app passwords stop working, and for 24 hours nobody can change its password, email address or the ways to sign in."
	locks  = "Lock the account"
	locked = "The link needs no password. It works once, until {until}."
)

var kinds = map[Kind]words{
	Invitation: {
		"You are invited to {site}", "You are invited to make an account on {site}.",
		"Choose a username and a password:", "Make your account", once + " If you expected no invitation, do nothing.",
	},
	Reset: {
		"Set a new password for {site}", "Somebody asked for a new password of the account {name} on {site}.",
		"If that was you, set it here:", "Set a new password", once + " If that was not you, do nothing: the password stays as it is.",
	},
	Confirm: {
		"Confirm your email address for {site}", "The account {name} on {site} wants to use this email address.",
		"If the account is yours, confirm it:", "Confirm the address", once + " If the account is not yours, do nothing.",
	},
	SignUp: {
		"Make your account on {site}", "Somebody asked for the account {name} on {site} with this email address.",
		"If that was you, make the account here:", "Make the account", once + " If that was not you, do nothing: no account is made.",
	},
	known: {
		"You have an account on {site} already", "Somebody asked for a new account on {site} with this email address. You have one there already.",
		"If that was you, sign in:", "Sign in", "You can sign in with this email address. Forgot the password? The sign-in page leads to a new one. If that was not you, do nothing.",
	},
	PasswordChanged: {
		"Your password for {site} was changed", "The password of the account {name} on {site} was changed.",
		lock, locks, locked,
	},
	EmailChanged: {
		"Your email address for {site} was changed", "The email address of the account {name} on {site} was {detail}.",
		lock, locks, locked,
	},
	NewBrowser: {
		"A new browser signed in to {site}", "A browser that was never used before signed in to the account {name} on {site}.",
		lock, locks, locked,
	},
	FactorsChanged: {
		"The ways to sign in to {site} were changed", "The ways to sign in to the account {name} on {site} were changed. {detail}",
		lock, locks, locked,
	},
	test: {
		"Mail from {site} works", "This is a test. Mail from {site} arrives, so invitations, new passwords and notices will too.",
		"", "", "",
	},
}
