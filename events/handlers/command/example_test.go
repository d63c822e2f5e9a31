package command_test

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"

	"wildix-worker/events"
	"wildix-worker/events/handlers/command"
)

func Example() {
	handler, err := command.New(command.Config{
		Args:          []string{"sh", "-c", `grep -q '"type":"call:end"' || exit 3`}, // a shell, if you need one
		PermanentExit: 3,
		Logger:        zap.NewExample(),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for _, eventType := range []string{events.CallEnd, events.CallStart} {
		body := fmt.Sprintf(`{"id":"example_1693389850.110","type":"%s","time":1693389853611}`, eventType)
		err := handler.HandleEvent(ctx, &events.Event{ID: "example_1693389850.110", Type: eventType, Raw: []byte(body)})
		fmt.Println(eventType, err)
	}
	// Output:
	// call:end <nil>
	// call:start permanent: program sh: exit status 3
}
