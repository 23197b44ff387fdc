"""Words of programming that are worth naming as an answer's concepts, by their spellings."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_NAMES = """
recursion/recursive/recursively; memoization/memoize/memoized/memoizes/memoisation/memoised;
dynamic programming; closure; decorator; generator; iterator; coroutine;
list comprehension/dict comprehension/set comprehension/generator expression; context manager;
lambda/lambda function/anonymous function; higher-order function; callback; event loop;
promise; async/await; asynchronous programming/asynchronous/asyncio;
concurrency/concurrent/concurrently; parallelism/parallel;
multithreading/multi-threading/thread pool; race condition/data race; deadlock;
mutex/lock contention; semaphore; atomicity/atomic operation;
thread safety/thread-safe/thread-safety; goroutine; channel; ownership;
borrowing/borrow checker; lifetime; smart pointer; pointer arithmetic; memory leak;
buffer overflow; use-after-free; garbage collection/garbage collector; reference counting;
move semantics; RAII; inheritance; polymorphism/polymorphic; encapsulation; abstraction;
composition; dependency injection; inversion of control; singleton/singleton pattern;
factory pattern/factory method; observer pattern; strategy pattern; builder pattern;
repository pattern; adapter pattern; middleware; interface segregation;
single responsibility principle/single responsibility; separation of concerns; DRY principle;
immutability/immutable; mutability; pure function; side effect;
idempotence/idempotent/idempotency; referential transparency; currying/curried;
partial application; pattern matching; destructuring; type inference;
type annotation/type hint; type safety/type-safe; generics/generic type; union type;
null safety; optional chaining; mutable default argument/mutable default; default argument;
keyword argument; variadic function/variadic; exception handling/error handling;
error propagation; input validation; early return/guard clause; base case; edge case;
off-by-one error/off-by-one; integer overflow; floating-point precision; binary search;
linear search; quicksort; merge sort/mergesort; bubble sort; heap sort/heapsort;
breadth-first search/bfs; depth-first search/dfs; topological sort; backtracking;
divide and conquer/divide-and-conquer; greedy algorithm; sliding window;
two pointers/two-pointer; hash table/hash map/hashmap; linked list; binary tree;
binary search tree; priority queue; min-heap/max-heap; trie; bloom filter; time complexity;
space complexity; big O notation/big-o/big o; amortized complexity; tail recursion/tail call;
stack overflow; lazy evaluation/lazy loading/lazily; short-circuit evaluation; caching;
cache invalidation; LRU cache/lru; rate limiting/rate limiter; token bucket;
exponential backoff/backoff; retry logic; circuit breaker; timeout;
debouncing/debounce/debounced; throttling/throttle; connection pooling/connection pool;
load balancing; sharding; replication; transaction; ACID; eventual consistency;
optimistic locking; N+1 query; indexing; SQL injection; cross-site scripting/xss; CSRF;
path traversal; command injection; code injection; authentication; authorization; encryption;
hashing; salting; timing attack; deserialization; serialization; REST API; GraphQL; webhook;
websocket; event-driven; message queue; publish-subscribe/pub-sub/pubsub; event sourcing;
state machine; virtual DOM; hook; state management; reactivity; server-side rendering;
unit test/unit testing; integration test; mocking/mock object; fixture;
parametrization/parametrize/parametrized; property-based testing; test coverage; assertion;
regular expression/regex; string interpolation; bit manipulation/bitwise; metaprogramming;
reflection; monkey patching; duck typing; operator overloading; method chaining; mixin; trait;
macro; supervision tree/supervisor; pipe operator; tail latency; backpressure; streaming;
pagination; dependency graph; abstract syntax tree; tokenization; parser;
variable shadowing/shadowing; hoisting; prototype chain; event delegation; scope; namespace;
code duplication; technical debt; cyclomatic complexity; magic number; dead code; feature flag;
unsafe code
"""


def _table() -> dict[str, str]:
    table: dict[str, str] = {}
    for entry in " ".join(_NAMES.split()).split("; "):
        # "async/await" is one term, the only one with a slash of its own.
        spellings = [entry] if entry == "async/await" else entry.split("/")
        for spelling in spellings:
            table[spelling.casefold()] = spellings[0]
    return table


CONCEPTS: Mapping[str, str] = MappingProxyType(_table())
"""Each spelling in lower case to the term's name."""

LONGEST = max(len(spelling.split()) for spelling in CONCEPTS)
"""Words in the longest spelling."""

FIRST_WORDS = frozenset(spelling.split()[0].removesuffix("s") for spelling in CONCEPTS)
"""The spellings' first words, each without a final s: most words of an answer are none of them."""

_LABELS = """
after; all; always; analysis; and; answer; args; argument; arguments; assistant; bad; before;
best; better; both; breakdown; bug; bugs; category; caution; changed; changes; code;
code breakdown; code explanation; concepts; conclusion; cons; context; contributing; critical;
description; detail; details; do; does; don't; error; example; example usage; examples;
explanation; false; feature; features; file; finally; findings; first; fix; fixes; good; high;
how; how it works; how to fix; how to use; impact; important; improvement; improvements;
in short; in summary; info; input; inputs; installation; introduction; issue; issues; it; key;
key changes; key concepts; key features; key points; key takeaways; license; line; lines;
location; low; main; main idea; main points; matters; medium; must; never; none; not; note;
notes; only; output; outputs; overview; parameter; parameters; params; path; points;
possible improvements; potential issues; problem; problems; pros; purpose; question; raises;
recommendation; recommendations; requirements; result; results; return; return value;
return values; returns; review; same; second; severity; solution; solutions; step;
step by step; steps; strengths; suggested fix; suggestion; suggestions; summary; third; tip;
tips; title; tl;dr; tldr; true; usage; usage example; user; value; values; warning; weaknesses;
what; what changed; what it does; why; why it matters; works; yes
"""

NOT_CONCEPTS = frozenset(" ".join(_LABELS.split()).split("; "))
"""Labels that answers set in bold, which are no concepts."""
