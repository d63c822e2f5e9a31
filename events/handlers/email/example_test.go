package email_test

import (
	"context"
	"fmt"
	"os"
	"time"

	"wildix-worker/events"
	"wildix-worker/events/handlers/email"
	"wildix-worker/events/template"
)

// A program that mails each missed call to the reception.
func Example() {
	missed, err := template.Open("email-missed-call") // a recipe, or a file of yours
	if err != nil {
		fmt.Println(err)
		return
	}
	h, err := email.New(email.Config{
		URL:      "smtps://calls@mail.example.com",
		Password: os.Getenv("MAIL_PASSWORD"),
		From:     "Calls <calls@example.com>",
		To:       []string{"reception@example.com"},
		Render:   email.FromTemplate(missed),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := h.Check(context.Background()); err != nil { // at start, or in a command of its own
		fmt.Println(err)
		return
	}
	mux := &events.Mux{}
	mux.Handle(events.CallFinished, h) // which package finish derives
	// Pass the mux to a transport, such as consumer.New.
}

func ExampleCallSummary() {
	e, err := events.Decode([]byte(`{"id":"call-1","type":"call:end","time":1693389853611,"data":{
		"caller":{"type":"REMOTE","phone":"+12025550100","name":"Ada Example"},
		"callee":{"type":"LOCAL","name":"Sales"},
		"endCauseStr":"Normal Clearing","endBy":"CALLER"}}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	message, err := email.CallSummary(time.UTC)(context.Background(), e)
	fmt.Println(message.Subject, err)
	fmt.Print(message.Text)
	// Output:
	// Missed call from Ada Example (+12025550100) <nil>
	// Missed call from Ada Example (+12025550100)
	//
	// From:      Ada Example, +12025550100
	// To:        Sales
	// Ended:     Wed, 30 Aug 2023 10:04:13 UTC
	// Reason:    Normal Clearing, ended by the caller
	// Call:      call-1
}
