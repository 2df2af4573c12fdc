"""The small orders service in Flask: `waitress-serve flask_service:app`."""

from __future__ import annotations

from flask import Flask, Response, request

from jwtmw_flask import JWTAuth, current_principal

app = Flask(__name__)
JWTAuth(app)


@app.get("/health")
@app.get("/catalogue")
@app.route("/orders", methods=["GET", "POST"])
@app.route("/orders/<id>", methods=["GET", "DELETE"])
@app.get("/internal/<path:rest>")
def answer(**_: str) -> Response:
    text = f"{request.method} {request.path} for {current_principal.subject or 'nobody'}\n"
    return Response(text, mimetype="text/plain")
