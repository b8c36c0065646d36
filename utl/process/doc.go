// Package process tests the built program as a process: started, killed,
// starved, locked out of its database, spoken to byte by byte; and the lab and the
// look of every page in Chromium. There is no code here but tests, and they see
// only what a person at a shell and a browser see.
package process
