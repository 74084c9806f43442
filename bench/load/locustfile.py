"""The same two loads for Locust's fast client."""

from locust import FastHttpUser, task


class Home(FastHttpUser):
    @task
    def home(self):
        self.client.get("/")


class TwoSteps(FastHttpUser):
    @task
    def account(self):
        login = self.client.post("/login", json={"user": "ada", "password": "lovelace"})
        headers = {"authorization": f"Bearer {login.json()['token']}"}
        with self.client.get("/account", headers=headers, catch_response=True) as answer:
            if answer.json()["balance"] != 12:
                answer.failure("has a balance")
