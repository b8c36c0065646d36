package self

import (
	"glassjar/handlers/web"
	"glassjar/utl/account"
)

// Mistakes are those of the forms of one's own account.
var Mistakes = []web.Mistake{
	{Err: account.ErrAppPasswordName, Text: "A name is 1 to 64 characters on one line."},
	{Err: account.ErrAppPasswordMany, Text: "You have 50 app passwords, and can have no more. Revoke one first."},
	{Err: errConfirm, Text: "That is not your username. Nothing was deleted."},
	{Err: errDays, Text: "The number of days is 1 to 3650, or empty."},
	{Err: errHosts, Text: "One of these is no host that the gate answers for. Write each by its name alone, without a port, such as app.example; 20 at most."},
}
