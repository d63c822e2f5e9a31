package configfile

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// maxDepth is how deep values may be nested. The deepest that a setting needs is five.
const maxDepth = 20

// maxTokens is how many keys, values and signs a file may have. The parser takes two seconds
// for that many, and four times as long for twice as many.
const maxTokens = 30_000

// parse reads the content of the file.
func (f *File) parse(content []byte) {
	// The parser was written for the files of people, not of attackers.
	defer func() {
		if recover() != nil {
			f.Root = &Node{Kind: Mapping, Line: 1, Column: 1}
			f.syntax(nil, "not valid YAML")
		}
	}()
	tokens := lexer.Tokenize(string(content))
	if len(tokens) > maxTokens {
		f.syntax(tokens[maxTokens], fmt.Sprintf("more than %d keys, values and signs", maxTokens))
		return
	}
	if tk := tooDeep(tokens); tk != nil {
		f.syntax(tk, fmt.Sprintf("values are nested more than %d deep", maxDepth))
		return
	}
	parsed, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		f.syntaxError(err)
		return
	}
	var documents []*ast.DocumentNode
	for _, d := range parsed.Docs {
		if d.Body != nil && d.Body.Type() != ast.CommentType {
			documents = append(documents, d)
		}
	}
	switch {
	case len(documents) == 0:
		f.syntax(nil, "has no settings")
		return
	case len(documents) > 1:
		f.Faults.At(f.node(documents[1].Body, ""), "a second document; the file has only one")
		return
	}
	root := f.node(documents[0].Body, "")
	if root.Kind != Mapping {
		f.Faults.At(root, "want settings such as queue_url: https://..., not %s", root.Kind)
		return
	}
	f.Root = root
}

func (f *File) syntax(tk *token.Token, text string) {
	one := fault{line: 1, column: 1, text: text}
	if tk != nil {
		one.line, one.column = tk.Position.Line, tk.Position.Column
	}
	f.Faults.list = append(f.Faults.list, one)
}

// syntaxError adds an error of the parser. Its text has no value of the file.
func (f *File) syntaxError(err error) {
	if syntax, ok := errors.AsType[*yaml.SyntaxError](err); ok {
		message, _, _ := strings.Cut(syntax.Message, "\n")
		if strings.Contains(message, `"`) {
			message = "something is out of place"
		}
		f.syntax(syntax.Token, "not valid YAML: "+message)
		return
	}
	f.syntax(nil, "not valid YAML")
}

// tooDeep returns the first token that is nested too deep for the parser, which calls itself
// for each level.
func tooDeep(tokens token.Tokens) *token.Token {
	flow := 0
	var blocks []int // columns of the blocks that are open
	for _, tk := range tokens {
		column := 0
		switch tk.Type {
		case token.SequenceStartType, token.MappingStartType:
			flow++
		case token.SequenceEndType, token.MappingEndType:
			flow = max(flow-1, 0)
		case token.SequenceEntryType, token.MappingKeyType:
			column = tk.Position.Column
		case token.MappingValueType, token.AnchorType, token.TagType:
			column = tk.Position.Column
			if tk.Type == token.MappingValueType && tk.Prev != nil {
				column = tk.Prev.Position.Column
			}
		}
		if column > 0 && flow == 0 {
			for len(blocks) > 0 && blocks[len(blocks)-1] >= column {
				blocks = blocks[:len(blocks)-1]
			}
			blocks = append(blocks, column)
		}
		if flow+len(blocks) > maxDepth {
			return tk
		}
	}
	return nil
}

// node converts a value, and adds the faults in it.
func (f *File) node(in ast.Node, path string) *Node {
	n := &Node{Path: path, Line: 1, Column: 1}
	if in == nil {
		return n
	}
	if tk := in.GetToken(); tk != nil {
		n.Line, n.Column = tk.Position.Line, tk.Position.Column
	}
	switch v := in.(type) {
	case *ast.NullNode:
	case *ast.StringNode:
		n.Kind, n.Value = Text, v.Value
		n.Inline = v.Token.Type == token.StringType && !strings.Contains(v.Token.Origin[:max(0, len(strings.TrimRight(v.Token.Origin, "\n ")))], "\n")
	case *ast.LiteralNode:
		n.Kind, n.Value = Text, v.Value.Value
	case *ast.IntegerNode:
		n.Kind, n.Value = Integer, v.Token.Value
	case *ast.FloatNode:
		n.Kind, n.Value = Decimal, v.Token.Value
	case *ast.InfinityNode, *ast.NanNode:
		n.Kind, n.Value = Decimal, in.GetToken().Value
	case *ast.BoolNode:
		n.Kind, n.Value = Boolean, v.Token.Value
	case *ast.SequenceNode:
		n.Kind = List
		for i, item := range v.Values {
			n.Items = append(n.Items, f.node(item, fmt.Sprintf("%s[%d]", path, i)))
		}
	case *ast.MappingNode:
		n.Kind = Mapping
		f.entries(n, v.Values)
	case *ast.MappingValueNode:
		n.Kind = Mapping
		f.entries(n, []*ast.MappingValueNode{v})
	case *ast.AnchorNode, *ast.AliasNode:
		f.breaks(n, "anchors and aliases are not supported; write the value out")
	case *ast.TagNode:
		f.breaks(n, "tags such as !!str are not supported")
	default:
		f.breaks(n, "not supported here")
	}
	if n.Kind == Text {
		f.expand(n)
	}
	return n
}

// breaks adds a fault of a value, and makes it one of which no other faults are added.
func (f *File) breaks(n *Node, text string) {
	f.Faults.At(n, "%s", text)
	n.Kind, n.broken = Null, true
}

// entries adds the keys of a mapping.
func (f *File) entries(n *Node, values []*ast.MappingValueNode) {
	first := make(map[string]int)
	for i, v := range values {
		tk := v.Key.GetToken()
		e := Entry{Name: tk.Value, Line: tk.Position.Line, Column: tk.Position.Column}
		if i == 0 {
			n.Line, n.Column = e.Line, e.Column
		}
		path := join(n.Path, e.Name)
		switch v.Key.(type) {
		case *ast.StringNode, *ast.IntegerNode, *ast.BoolNode, *ast.NullNode, *ast.FloatNode:
		default:
			f.Faults.atKey(e, path, "a key is a plain word")
			continue
		}
		if line, ok := first[e.Name]; ok {
			f.Faults.atKey(e, path, "is also in line %d", line)
			continue
		}
		first[e.Name] = e.Line
		e.Value = f.node(v.Value, path)
		if e.Value.Kind == Null && !e.Value.broken {
			e.Value.Line, e.Value.Column = e.Line, e.Column
		}
		n.Entries = append(n.Entries, e)
	}
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
