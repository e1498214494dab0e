"""`graph-vae`: a latent space over molecules, in which every point is decoded to a valid molecule."""
