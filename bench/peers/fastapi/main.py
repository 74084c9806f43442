"""The four functions in FastAPI, as its documentation says for each kind of work.

What computes is a plain `def`, which FastAPI runs in its thread pool, so that the event loop stays
free as far as the interpreter lock lets it. What answers at once is an `async def`.
"""

import os
from typing import Literal

from fastapi import FastAPI
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel, Field

import work

app = FastAPI(title="Prime factors")
long_answer = "a" * 2**20
spin_iterations = int(os.environ["BENCH_SPIN_ITERATIONS_PYTHON"])


class HelloInput(BaseModel):
    n: int = Field(ge=2, le=2**53 - 1)


class HelloOutput(BaseModel):
    message1: str
    message2: str
    n: int
    largest_prime_factor: int
    elapsed_time: float


class Result(BaseModel):
    result: int


class Ok(BaseModel):
    ok: bool


class Pong(BaseModel):
    ping: str


class Circle(BaseModel):
    kind: Literal["circle"]
    radius: float


class Rectangle(BaseModel):
    kind: Literal["rectangle"]
    width: float
    height: float


class Text(BaseModel):
    kind: Literal["text"]
    text: str
    size: float


class Named(BaseModel):
    name: str = Field(pattern="^(a+)+$")


class Done(BaseModel):
    done: bool


@app.post("/api/v1/hello")
def hello(body: HelloInput) -> HelloOutput:
    work.begin()
    return HelloOutput(**work.hello(body.n))


@app.get("/spin20")
def spin20() -> Result:
    work.begin()
    return Result(result=work.spin(spin_iterations))


@app.get("/empty")
async def empty() -> Ok:
    return Ok(ok=True)


@app.get("/ping")
@app.get("/livez")
async def ping() -> Pong:
    return Pong(ping="pong!")


@app.get("/long")
async def long() -> PlainTextResponse:
    return PlainTextResponse(long_answer)


@app.post("/hostile/items")
def items(body: list[Circle | Rectangle | Text]) -> Done:
    return Done(done=True)


@app.post("/hostile/large")
def large(body: list[float]) -> Done:
    return Done(done=True)


@app.post("/hostile/pattern")
def pattern(body: Named) -> Done:
    return Done(done=True)
