package self

import (
	"glassjar/handlers/web"
	"glassjar/utl/account"
	"glassjar/utl/factor"
	"glassjar/utl/passkey"
)

// Mistakes are the mistakes in the forms of this room.
var Mistakes = []web.Mistake{
	{Err: account.ErrAppPasswordName, Text: "A name is 1 to 64 characters on one line."},
	{Err: account.ErrAppPasswordMany, Text: "You have 50 app passwords, and can have no more. Revoke one first."},
	{Err: passkey.ErrName, Text: "A name is 1 to 64 characters on one line."},
	{Err: passkey.ErrMany, Text: "You have 20 passkeys, and can have no more. Remove one first."},
	{Err: passkey.ErrTaken, Text: "This passkey is registered already."},
	{Err: passkey.ErrExpired, Text: "That took too long. Try once more."},
	{Err: passkey.ErrUsed, Text: "This was sent already. If your passkey is not here, try once more."},
	{Err: passkey.ErrAnswer, Text: "That passkey could not be verified. Try once more."},
	{Err: factor.ErrForm, Text: "That is no code: it is six digits."},
	{Err: factor.ErrWrong, Text: "That code is not right. Codes change every 30 seconds; check that your phone sets its clock by itself."},
	{Err: factor.ErrSetUp, Text: "That took too long. Scan the new picture: the one before is good no more."},
	{Err: factor.ErrOff, Text: "You have no second way to sign in that a recovery code could stand in for."},
	{Err: errStopped, Text: "That did not work, or you stopped it. Try once more."},
	{Err: errNoAnswer, Text: "Your browser sent no passkey: it needs scripting for that."},
	{Err: errConfirm, Text: "That is not your username. Nothing was deleted."},
	{Err: errDays, Text: "The number of days is 1 to 3650, or empty."},
	{Err: errHosts, Text: "One of these is no host that the gate answers for. Write each by its name alone, without a port, such as app.example; 20 at most."},
}
